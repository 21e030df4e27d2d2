import { type BigIntStats, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Exclude, excludeMatcher } from './exclude.ts'

export interface ClearOptions {
  /** Glob patterns relative to the root: what they match stays, with the directories that lead to it. */
  exclude: string[]
  signal: AbortSignal
  /** Told of a nested mount, which stays. */
  onWarning: (text: string) => void
}

interface Clearing {
  device: bigint
  excluded: Exclude
  warn: (text: string) => void
  signal: AbortSignal
}

/**
 * Removes what lies at `path` below `root`; `.` is all that lies in the root, which itself stays, as does a root that is a single
 * file. A missing path is a success. Follows no symlink and enters no other file system.
 */
export async function clearTree(root: string, path: string, options: ClearOptions): Promise<void> {
  const stats = lstatSync(root, { bigint: true })
  if (!stats.isDirectory()) return
  const { exclude, signal, onWarning } = options
  const clearing = { device: stats.dev, excluded: excludeMatcher(exclude), warn: onWarning, signal }
  if (path === '.') clearDirectory(clearing, Buffer.from(root), '')
  else removeEntry(clearing, Buffer.from(join(root, path)), path)
}

/** Names are bytes here: one that is not UTF-8 cannot be backed up, but must not survive a restore. True when nothing is left. */
function clearDirectory(clearing: Clearing, directory: Buffer, prefix: string): boolean {
  clearing.signal.throwIfAborted()
  let empty = true
  for (const name of readdirSync(directory, 'buffer')) {
    const absolute = Buffer.concat([directory, Buffer.from('/'), name])
    if (!removeEntry(clearing, absolute, prefix + name.toString())) empty = false
  }
  return empty
}

/** False when something of it stays. */
function removeEntry(clearing: Clearing, absolute: Buffer, path: string): boolean {
  const stats = lstatSync(absolute, { bigint: true, throwIfNoEntry: false })
  if (!stats) return true
  if (clearing.excluded(path) || isPodmansOwn(path, stats)) return false
  if (stats.dev !== clearing.device) {
    clearing.warn(`${path}: another file system is mounted here; left as it is`)
    return false
  }
  if (!stats.isDirectory()) {
    unlinkSync(absolute)
    return true
  }
  if (!clearDirectory(clearing, absolute, `${path}/`)) return false
  rmdirSync(absolute)
  return true
}

/** The device node at the root of a volume with a quota. */
const isPodmansOwn = (path: string, stats: BigIntStats) => path === 'backingFsBlockDev' && stats.isBlockDevice()
