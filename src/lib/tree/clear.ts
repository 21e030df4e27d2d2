import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Exclude, excludeMatcher } from './exclude.ts'
import { deviceMatcher } from './walk.ts'

export interface ClearOptions {
  /** Glob patterns relative to the root: what they match stays, with the directories that lead to it. */
  exclude: string[]
  /** Paths relative to the root; a block device at one of them stays: see `TreeScope.skipDevices`. */
  skipDevices?: string[]
  signal: AbortSignal
  /** Is told of a nested mount, which stays. */
  onWarning: (text: string) => void
}

interface Clearing {
  device: bigint
  excluded: Exclude
  skipped: ReturnType<typeof deviceMatcher>
  warn: (text: string) => void
  signal: AbortSignal
}

/**
 * Removes what lies at `path` below `root`. `.` means all that lies in the root; the root itself stays, and so does a root that is a
 * single file. A missing path is a success. It follows no symlink and enters no other file system.
 */
export async function clearTree(root: string, path: string, options: ClearOptions): Promise<void> {
  const stats = lstatSync(root, { bigint: true })
  if (!stats.isDirectory()) return
  const { exclude, skipDevices = [], signal, onWarning } = options
  const clearing = {
    device: stats.dev,
    excluded: excludeMatcher(exclude),
    skipped: deviceMatcher(skipDevices),
    warn: onWarning,
    signal,
  }
  if (path === '.') clearDirectory(clearing, Buffer.from(root), '')
  else removeEntry(clearing, Buffer.from(join(root, path)), path)
}

/**
 * Answers true when nothing is left. Names are bytes here: one that is not UTF-8 cannot be backed up, but must not survive a restore.
 */
function clearDirectory(clearing: Clearing, directory: Buffer, prefix: string): boolean {
  clearing.signal.throwIfAborted()
  let empty = true
  for (const name of readdirSync(directory, 'buffer')) {
    const absolute = Buffer.concat([directory, Buffer.from('/'), name])
    if (!removeEntry(clearing, absolute, prefix + name.toString())) empty = false
  }
  return empty
}

/** Answers false when something of the entry stays. */
function removeEntry(clearing: Clearing, absolute: Buffer, path: string): boolean {
  const stats = lstatSync(absolute, { bigint: true, throwIfNoEntry: false })
  if (!stats) return true
  if (clearing.excluded(path) || clearing.skipped(path, stats)) return false
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
