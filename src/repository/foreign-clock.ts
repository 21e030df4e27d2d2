import { statfs } from 'node:fs/promises'
import type { OpenRoot } from '../lib/tree/open-root.ts'

/** Types of file systems whose files get times by another clock than ours: NFS, CIFS, SMB2, FUSE. */
const types = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x65735546])

/** Whether the times of a directory's files cannot be compared with our clock, so that none tells what was written since when. */
export const hasForeignClock = async (tree: OpenRoot): Promise<boolean> =>
  types.has((await statfs(tree.folder('.'))).type)
