import { closeSync, constants, fstatSync, lstatSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Exclude, excludeMatcher } from './exclude.ts'
import { listNameBytes } from './list-names.ts'
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
  if (path === '.') await clearDirectory(clearing, tree.descriptor, '')
  else await removePath(clearing, tree, path)
}

/**
 * Removes the root itself with all that lies in it. A missing root is a success. It follows no symlink and enters no other file
 * system.
 */
export async function removeTree(root: string, signal: AbortSignal): Promise<void> {
  if (!rootExists(root)) return
  using holder = openParent(root)
  const place = Buffer.from(`${holder.folder}/${holder.name}`)
  const device = lstatSync(place, { bigint: true }).dev
  const clearing = { device, excluded: () => false, skipped: () => false, warn: () => {}, signal }
  await removeEntry(clearing, holder.folder, Buffer.from(holder.name), holder.name)
}

/** What lies below a folder that is missing is gone already. */
async function removePath(clearing: Clearing, tree: OpenRoot, path: string): Promise<void> {
  const slash = path.lastIndexOf('/')
  try {
    const folder = tree.folder(slash < 0 ? '.' : path.slice(0, slash))
    await removeEntry(clearing, folder, Buffer.from(path.slice(slash + 1)), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/**
 * Answers true when nothing is left. Names are bytes here: one that is not UTF-8 cannot be backed up, but must not survive a restore.
 * Some file systems pass names over when others are removed while a large folder is listed, so that it is listed until nothing more can
 * be removed.
 */
async function clearDirectory(clearing: Clearing, descriptor: number, prefix: string): Promise<boolean> {
  const folder = `/proc/self/fd/${descriptor}`
  for (;;) {
    let [batches, removed, kept] = [0, 0, 0]
    for (const names of listNameBytes(folder)) {
      await nextTurn()
      clearing.signal.throwIfAborted()
      for (const name of names) {
        if (await removeEntry(clearing, folder, name, prefix + name.toString())) removed++
        else kept++
      }
      batches++
    }
    if (batches === 1 || removed === 0) return kept === 0
  }
}

/** Answers false when something of the entry stays. */
async function removeEntry(clearing: Clearing, folder: string, name: Buffer, path: string): Promise<boolean> {
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
  if (!(await clearWithin(clearing, place, path))) return false
  rmdirSync(place)
  return true
}

/** A folder is opened before it is listed: a link that took its place is not followed. */
async function clearWithin(clearing: Clearing, place: Buffer, path: string): Promise<boolean> {
  const descriptor = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    return await clearDirectory(clearing, descriptor, `${path}/`)
  } finally {
    closeSync(descriptor)
  }
}
