import { closeSync, constants, lstatSync, mkdirSync, openSync, type Stats } from 'node:fs'
import { basename, dirname } from 'node:path'
import { BackupError } from '../../errors.ts'

/**
 * A tree that others can write, held by a descriptor. A path in it is reached one folder at a time from there, and no symbolic link is
 * followed on the way, so that a call never leaves the tree, whatever anybody swaps in it meanwhile.
 */
export interface OpenRoot extends Disposable {
  /** `file`: the tree is a single file. Its only path is its own name, in the folder that holds it. */
  kind: 'directory' | 'file'
  /** The folder that paths are relative to, for messages. */
  shown: string
  /** The descriptor of that folder. */
  descriptor: number
  /**
   * The path by which this process reaches an entry; `.` is the folder itself. It is valid until the next call of `at` or `folder`.
   * The system call that uses it MUST NOT follow its last component. Throws ENOENT where a folder on the way is missing, and NOT_STILL
   * where something else took its place.
   */
  at(path: string): string
  /**
   * The path by which this process reaches a folder of the tree. It may be followed, and is valid until the next call likewise.
   */
  folder(path: string): string
}

/**
 * Divides a path: what stands before it is trusted, and every component after it belongs to others. rsync knows the same sign for the
 * same purpose. In a path without it all but the last component is trusted.
 */
export const ANCHOR = '/./'

/** The root of what lies below a trusted folder, or below the root of a tree, by a relative path without `..` that belongs to others. */
export function rootBelow(folder: string, path: string): string {
  if (path === '.') return folder
  return folder.includes(ANCHOR) ? `${folder}/${path}` : `${folder}${ANCHOR}${path}`
}

/** The path without its anchor, as messages show it. */
export const shownPath = (root: string): string => root.replace(ANCHOR, '/')

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Opens the root of a tree. Throws PATH_UNREACHABLE where it is missing, and TREE_UNSUPPORTED where a link leads to it. */
export function openRoot(root: string): OpenRoot {
  const { name, parent, stats } = findRoot(root)
  try {
    if (!stats) throw missing(root)
    if (stats.isSymbolicLink()) throw isLink(shownPath(root))
    if (!stats.isDirectory()) return makeRoot('file', dirname(shownPath(root)), parent)
    const descriptor = openSync(within(parent, name), FOLDER)
    closeSync(parent)
    return makeRoot('directory', shownPath(root), descriptor)
  } catch (error) {
    closeSync(parent)
    throw error
  }
}

/** Whether there is anything at the root; a link counts. */
export function rootExists(root: string): boolean {
  try {
    const { parent, stats } = findRoot(root)
    closeSync(parent)
    return stats !== undefined
  } catch (error) {
    if (error instanceof BackupError && error.code === 'PATH_UNREACHABLE') return false
    throw error
  }
}

/**
 * Throws TREE_UNSUPPORTED where the root, or a folder on the way to it after the anchor, is a symbolic link. A missing one is
 * none.
 */
export function refuseLinks(root: string): void {
  try {
    const { parent, stats } = findRoot(root)
    closeSync(parent)
    if (stats?.isSymbolicLink()) throw isLink(shownPath(root))
  } catch (error) {
    if (!(error instanceof BackupError && error.code === 'PATH_UNREACHABLE')) throw error
  }
}

/** The folder that holds the root, by its descriptor and a path, which are valid until it is disposed, and the name of the root in it. */
export function openParent(root: string): { descriptor: number; folder: string; name: string } & Disposable {
  const { parent, name } = findRoot(root)
  const dispose = () => closeSync(parent)
  return { descriptor: parent, folder: `/proc/self/fd/${parent}`, name, [Symbol.dispose]: dispose }
}

/**
 * Makes the root, an empty folder or file, and the folders that lead to it, where they are missing. It follows no link. `onFolder` gets
 * the path of each folder that is made, which is valid in that call.
 */
export function createRoot(
  root: string,
  kind: 'directory' | 'file',
  onFolder: (path: string) => void = () => {},
): void {
  const { base, names } = parsePath(root)
  const name = names.pop() ?? ''
  mkdirSync(base, { recursive: true })
  let parent = openSync(base, constants.O_RDONLY | constants.O_DIRECTORY)
  for (const folder of names) {
    parent = leaving(parent, () => {
      makeFolder(within(parent, folder), onFolder)
      return enter(parent, folder, root)
    })
  }
  leaving(parent, () => {
    if (kind === 'directory') makeFolder(within(parent, name), onFolder)
    else closeSync(openSync(within(parent, name), 'wx', 0o600))
  })
}

function makeFolder(path: string, onFolder: (path: string) => void): void {
  if (lstatSync(path, { throwIfNoEntry: false })) return
  mkdirSync(path)
  onFolder(path)
}

/** The open folder that holds the root, which the caller closes, and what the root is. */
function findRoot(root: string): { parent: number; name: string; stats: Stats | undefined } {
  const { base, names } = parsePath(root)
  const name = names.pop() ?? ''
  let parent = openTrusted(base, root)
  for (const folder of names) parent = leaving(parent, () => enter(parent, folder, root))
  return { parent, name, stats: lstatSync(within(parent, name), { throwIfNoEntry: false }) }
}

function parsePath(root: string): { base: string; names: string[] } {
  const at = root.indexOf(ANCHOR)
  if (at < 0) return { base: dirname(root), names: [basename(root)] }
  return {
    base: root.slice(0, at) || '/',
    names: root
      .slice(at + ANCHOR.length)
      .split('/')
      .filter(Boolean),
  }
}

function openTrusted(base: string, root: string): number {
  try {
    return openSync(base, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (cause) {
    throw missing(root, cause)
  }
}

/** Does something in an open folder, and closes that folder, once, whatever comes of it. */
function leaving<T>(folder: number, work: () => T): T {
  try {
    return work()
  } finally {
    closeSync(folder)
  }
}

/** Opens a folder in a folder. */
function enter(parent: number, name: string, root: string): number {
  try {
    return openSync(within(parent, name), FOLDER)
  } catch (cause) {
    if (lstatSync(within(parent, name), { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw isLink(`${name} in ${shownPath(root)}`)
    }
    throw missing(root, cause)
  }
}

const within = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`

function missing(root: string, cause?: unknown): BackupError {
  return new BackupError('PATH_UNREACHABLE', `${shownPath(root)}: no such file or directory`, { cause })
}

function isLink(shown: string): BackupError {
  return new BackupError('TREE_UNSUPPORTED', `${shown} is a symbolic link`, { hint: 'Name the path that it leads to.' })
}

/** Holds the folders on the way to the path that was asked for last: a walk asks for its neighbours next. */
function makeRoot(kind: OpenRoot['kind'], shown: string, descriptor: number): OpenRoot {
  const way = [{ path: '.', descriptor }]
  const top = () => way.at(-1) as (typeof way)[number]
  const isOnWay = (path: string) => top().path === '.' || path === top().path || path.startsWith(`${top().path}/`)
  const leave = () => closeSync((way.pop() as (typeof way)[number]).descriptor)

  const reach = (path: string): number => {
    while (!isOnWay(path)) leave()
    while (path !== '.' && top().path !== path) {
      const start = top().path === '.' ? 0 : top().path.length + 1
      const end = path.indexOf('/', start)
      const next = end < 0 ? path : path.slice(0, end)
      const opened = openFolder(within(top().descriptor, next.slice(start)), `${shown}/${next}`)
      way.push({ path: next, descriptor: opened })
    }
    return top().descriptor
  }
  return {
    kind,
    shown,
    descriptor,
    folder: (path) => `/proc/self/fd/${reach(path)}`,
    at: (path) => {
      if (path === '.') return `/proc/self/fd/${reach('.')}`
      const slash = path.lastIndexOf('/')
      return within(reach(slash < 0 ? '.' : path.slice(0, slash)), path.slice(slash + 1))
    },
    [Symbol.dispose]: () => {
      while (way.length > 0) leave()
    },
  }
}

function openFolder(path: string, shown: string): number {
  try {
    return openSync(path, FOLDER)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTDIR' && code !== 'ELOOP') throw error
    throw new BackupError('NOT_STILL', `${shown} is no folder any more`, { cause: error })
  }
}
