import { mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../../lib/process.ts'
import { treeSize } from '../../lib/tree/fingerprint.ts'
import type { AheadOptions, TreeSource } from '../repository.ts'

/** NFS, CIFS, SMB2, FUSE: their files get times by another clock than ours. */
const foreignClocks = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x65735546])

/** Why a tree is not copied ahead; '' where it is not worth the words; undefined where nothing stands against it. */
export async function findObstacle(
  staging: string,
  { root, exclude }: TreeSource,
  { signal, leastBytes, onWarning }: AheadOptions & { leastBytes: number },
): Promise<string | undefined> {
  if (!(await stat(root)).isDirectory()) return ''
  const noticed: string[] = []
  const { contentBytes } = await treeSize(root, exclude, signal, (text) => noticed.push(text))
  if (contentBytes < leastBytes) return ''
  if (foreignClocks.has((await statfs(root)).type)) return `${root} lies on a network file system`
  const { bavail, bsize } = await statfs(staging)
  // The copy, and in the worst case as much again when it is packed.
  if (bavail * bsize < 2 * contentBytes) return `the repository has no room for a copy of ${contentBytes} bytes`
  if (!(await keepsEverything(staging, signal))) return 'the file system of the repository does not keep all attributes'
  // In the copy there is nothing left to notice: mounts are not in it.
  for (const text of noticed) onWarning(text)
  return undefined
}

/** Owner, mode, nanoseconds, links, attributes, ACLs: what a copy lost would be lost in the snapshot. */
async function keepsEverything(staging: string, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(staging, 'probe-'))
  try {
    const { exitCode, stdout } = await runProgram('sh', ['-ec', probe], { signal, cwd: folder })
    return exitCode === 0 && stdout === 'kept\n'
  } finally {
    await rm(folder, { recursive: true })
  }
}

const probe = `touch file acl && chown 1:1 file && chmod 4751 file && ln file hard && ln -s file soft && mkfifo fifo
setfattr -n user.probe -v kept file && setfacl -m u:1:r acl && touch -d '2001-02-03 04:05:06.123456789 UTC' file
[ "$(stat -c '%u %g %a %h %.9Y' file)" = '1 1 4751 2 981173106.123456789' ] && [ -p fifo ] && [ "$(readlink soft)" = file ]
getfacl -cn acl | grep -qx user:1:r-- && getfattr --only-values -n user.probe file && echo`
