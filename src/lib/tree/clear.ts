import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { type Exclude, excludeMatcher } from './exclude.ts'
import { type OpenRoot, openParent, openRoot, rootExists } from './open-root.ts'
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
 * single file. A missing path is a success. It follows no symlink, not even in the middle of `path`, and enters no other file system.
 */
export async function clearTree(root: string, path: string, options: ClearOptions): Promise<void> {
  using tree = openRoot(root)
  if (tree.kind === 'file') return
  const { exclude, skipDevices = [], signal, onWarning } = options
  const clearing = {
    device: fstatSync(tree.descriptor, { bigint: true }).dev,
    excluded: excludeMatcher(exclude),
    skipped: deviceMatcher(skipDevices),
    warn: onWarning,
    signal,
  }
  if (path === '.') clearDirectory(clearing, tree.descriptor, '')
  else removePath(clearing, tree, path)
}

/**
 * Removes the root itself with all that lies in it. A missing root is a success. It follows no symlink and enters no other file
 * system.
 */
export function removeTree(root: string, signal: AbortSignal): void {
  if (!rootExists(root)) return
  using holder = openParent(root)
  const place = Buffer.from(`${holder.folder}/${holder.name}`)
  const device = lstatSync(place, { bigint: true }).dev
  const clearing = { device, excluded: () => false, skipped: () => false, warn: () => {}, signal }
  removeEntry(clearing, holder.folder, Buffer.from(holder.name), holder.name)
}

/** What lies below a folder that is missing is gone already. */
function removePath(clearing: Clearing, tree: OpenRoot, path: string): void {
  const slash = path.lastIndexOf('/')
  try {
    const folder = tree.folder(slash < 0 ? '.' : path.slice(0, slash))
    removeEntry(clearing, folder, Buffer.from(path.slice(slash + 1)), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/**
 * Answers true when nothing is left. Names are bytes here: one that is not UTF-8 cannot be backed up, but must not survive a restore.
 */
function clearDirectory(clearing: Clearing, descriptor: number, prefix: string): boolean {
  clearing.signal.throwIfAborted()
  const folder = `/proc/self/fd/${descriptor}`
  let empty = true
  for (const name of readdirSync(folder, 'buffer')) {
    if (!removeEntry(clearing, folder, name, prefix + name.toString())) empty = false
  }
  return empty
}

/** Answers false when something of the entry stays. */
function removeEntry(clearing: Clearing, folder: string, name: Buffer, path: string): boolean {
  const place = Buffer.concat([Buffer.from(`${folder}/`), name])
  const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false })
  if (!stats) return true
  if (clearing.excluded(path) || clearing.skipped(path, stats)) return false
  if (stats.dev !== clearing.device) {
    clearing.warn(`${path}: another file system is mounted here; left as it is`)
    return false
  }
  if (!stats.isDirectory()) {
    unlinkSync(place)
    return true
  }
  if (!clearWithin(clearing, place, path)) return false
  rmdirSync(place)
  return true
}

/** A folder is opened before it is listed: a link that took its place is not followed. */
function clearWithin(clearing: Clearing, place: Buffer, path: string): boolean {
  const descriptor = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    return clearDirectory(clearing, descriptor, `${path}/`)
  } finally {
    closeSync(descriptor)
  }
}
