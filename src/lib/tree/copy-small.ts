import { chmodSync, chownSync, fstatSync } from 'node:fs'
import { ensureRoot } from './ensure-root.ts'
import { openRoot } from './open-root.ts'
import { packTree } from './pack.ts'
import { unpackTree } from './unpack.ts'
import { walkTree } from './walk.ts'

export interface CopyOptions {
  signal: AbortSignal
  /** A tree with more bytes or entries than that is not copied. Absent: nothing is copied, whatever lies there. */
  most?: { bytes: number; entries: number }
  /** Paths relative to the root. A block device at one of them is no part of the tree. */
  skipDevices?: string[]
}

/**
 * Makes at `to` what `from` is, a folder with its owner and mode or a file, and copies what lies in it where that is small. Answers whether
 * it was copied. It reads `from` only, and opens nothing of it that is no folder or regular file.
 */
export async function copySmall(from: string, to: string, options: CopyOptions): Promise<'copied' | 'empty'> {
  const { most, signal, skipDevices = [] } = options
  using source = openRoot(from)
  await ensureRoot(to, source.kind, signal)
  if (most && isSmall(from, most, skipDevices)) {
    await unpackTree(packTree(from, { signal, skipDevices }), to, { signal })
    return 'copied'
  }
  if (source.kind === 'directory') {
    const { uid, gid, mode } = fstatSync(source.descriptor)
    chownSync(to, uid, gid)
    chmodSync(to, mode & 0o7777)
  }
  return 'empty'
}

/** The walk ends as soon as it is known to be too much: the tree may be huge. */
function isSmall(root: string, most: NonNullable<CopyOptions['most']>, skipDevices: string[]): boolean {
  let [bytes, entries] = [0, 0]
  for (const { stats } of walkTree(root, { skipDevices, requireStill: false })) {
    entries += 1
    if (stats.isFile()) bytes += Number(stats.size)
    if (bytes > most.bytes || entries > most.entries) return false
  }
  return true
}
