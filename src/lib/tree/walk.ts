import { type BigIntStats, lstatSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { BackupError } from '../../errors.ts'
import { type Exclude, excludeMatcher } from './exclude.ts'
import { listNameBytes, listNames } from './list-names.ts'
import { isOnWay } from './only.ts'
import { type OpenRoot, openRoot, shownPath } from './open-root.ts'
import { isSameNames, type SortedNames, sortNames } from './sorted-names.ts'

/** Something that a walk found in a tree. */
export interface Found {
  /** Relative to the root; `.` is the root. A root that is a single file is found under its own name. */
  path: string
  /** The whole path, for messages. */
  shown: string
  stats: BigIntStats
}

/** Which part of what lies below a root is the tree. */
export interface TreeScope {
  /** Glob patterns relative to the root: see `excludeMatcher`. */
  exclude?: string[]
  /** Paths relative to the root. A block device at one of them is no part of the tree; anything else there is. */
  skipDevices?: string[]
  /** Paths relative to the root. The tree is made of them, all below them, and the folders on the way to them. Absent: all. */
  only?: string[]
}

export interface WalkOptions extends TreeScope {
  /** Is told of what is left out, by name. */
  onWarning?: (text: string) => void
  /** The walk throws NOT_STILL when the names of a directory change meanwhile. Default true. */
  requireStill?: boolean
}

interface Walk {
  tree: OpenRoot
  device: bigint
  excluded: Exclude
  skipped: (path: string, stats: BigIntStats) => boolean
  warn: (text: string) => void
  requireStill: boolean
}

/**
 * Walks a tree: the root first, depth first, the names of a directory sorted. It follows no symlink and enters no other file system.
 * Throws PATH_UNREACHABLE for what cannot be read and TREE_UNSUPPORTED for a name that is not UTF-8.
 */
export function* walkTree(root: string, options: WalkOptions = {}): Generator<Found, void, void> {
  using tree = openRoot(root)
  const path = tree.kind === 'file' ? basename(root) : '.'
  const shown = shownPath(root)
  const stats = statsOf(tree, path, shown)
  if (!stats) throw notStill(shown, 'vanished')
  if (tree.kind === 'file') return yield { path, shown, stats }
  const walk: Walk = {
    tree,
    device: stats.dev,
    excluded: leftOut(options),
    skipped: deviceMatcher(options.skipDevices ?? []),
    warn: options.onWarning ?? (() => {}),
    requireStill: options.requireStill ?? true,
  }
  yield* walkDirectory(walk, { path, shown, stats })
}

function leftOut({ exclude = [], only }: TreeScope): Exclude {
  const excluded = excludeMatcher(exclude)
  return only ? (path) => excluded(path) || !isOnWay(path, only) : excluded
}

function* walkDirectory(walk: Walk, directory: Found): Generator<Found, void, void> {
  yield directory
  using names = sortNames(keptNames(walk, directory))
  for (const name of names) {
    const path = directory.path === '.' ? name : `${directory.path}/${name}`
    const shown = `${directory.shown}/${name}`
    const stats = statsOf(walk.tree, path, shown)
    if (!stats) {
      if (walk.requireStill) throw notStill(shown, 'vanished')
      continue
    }
    const found = { path, shown, stats }
    if (walk.skipped(path, stats)) continue
    if (stats.isSocket()) walk.warn(`${path}: a socket is not kept`)
    else if (!stats.isDirectory()) yield found
    else if (stats.dev === walk.device) yield* walkDirectory(walk, found)
    else {
      walk.warn(`${path}: another file system is mounted here; kept as an empty directory`)
      yield found
    }
  }
  if (walk.requireStill) proveStill(walk, directory, names)
}

/** Says whether something is a device that is no part of the tree: see `TreeScope.skipDevices`. */
export function deviceMatcher(paths: string[]): (path: string, stats: BigIntStats) => boolean {
  return (path, stats) => stats.isBlockDevice() && paths.includes(path)
}

/** The names of a directory, in batches, without those that are left out. */
function* keptNames(walk: Walk, directory: Found): Generator<string[], void, void> {
  const prefix = directory.path === '.' ? '' : `${directory.path}/`
  let isChecked = false
  try {
    for (const names of listNames(walk.tree.folder(directory.path))) {
      const kept = names.filter((name) => !walk.excluded(prefix + name))
      if (!isChecked && kept.some((name) => name.includes('\uFFFD'))) {
        refuseOddNames(directory, walk, prefix)
        isChecked = true
      }
      yield kept
    }
  } catch (error) {
    if (walk.requireStill || !isGone(error)) throw readFailure(directory.shown, error)
  }
}

/** The entry vanished, or something else took the place of a folder on the way to it. */
const isGone = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT' || isNotStill(error)

const isNotStill = (error: unknown): boolean => error instanceof BackupError && error.code === 'NOT_STILL'

/** Node gives U+FFFD for bytes that are not UTF-8; a name may also hold that character itself. */
function refuseOddNames(directory: Found, walk: Walk, prefix: string): void {
  for (const batch of listNameBytes(walk.tree.folder(directory.path))) {
    for (const bytes of batch) {
      const name = bytes.toString()
      if (Buffer.from(name).equals(bytes) || walk.excluded(prefix + name)) continue
      const shown = escapeBytes(bytes)
      throw new BackupError('TREE_UNSUPPORTED', `${directory.shown}/${shown}: the name is not UTF-8`)
    }
  }
}

/** A name for the terminal: bytes that are not printable ASCII as `\xNN`. */
function escapeBytes(bytes: Uint8Array): string {
  const show = (byte: number) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`
  return Array.from(bytes, show).join('')
}

/** What is left out may come and go and changes the times of its directory; only the other names count then. */
function proveStill(walk: Walk, directory: Found, names: SortedNames): void {
  const now = statsOf(walk.tree, directory.path, directory.shown)
  if (!now) throw notStill(directory.shown, 'vanished')
  if (now.ctimeNs === directory.stats.ctimeNs) return
  if (now.ino !== directory.stats.ino) throw notStill(directory.shown, 'was replaced')
  using namesNow = sortNames(keptNames(walk, directory))
  if (!isSameNames(names, namesNow)) throw notStill(directory.shown, 'got other entries')
}

function statsOf(tree: OpenRoot, path: string, shown: string): BigIntStats | undefined {
  try {
    // The root is open: its path is a link of /proc that leads to it.
    if (path === '.') return statSync(tree.at(path), { bigint: true })
    return lstatSync(tree.at(path), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (isGone(error)) return undefined
    throw readFailure(shown, error)
  }
}

/** What the system says of a file in whose place there is a pipe, a link, a folder or a socket by now. */
const ofAnotherKind = ['ESPIPE', 'ELOOP', 'EISDIR', 'ENXIO']

/** Why something in a tree could not be read: it vanished, something else took its place, or the system's own reason. */
export function readFailure(path: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return notStill(path, 'vanished')
  if (code !== undefined && ofAnotherKind.includes(code)) return notStill(path, 'became something else')
  const hint = 'Look at the file itself, and at the log of the kernel (dmesg) where it is an input/output error.'
  return new BackupError('PATH_UNREACHABLE', `${path}: cannot be read: ${message}`, { cause: error, hint })
}

export function notStill(path: string, what: string): BackupError {
  return new BackupError('NOT_STILL', `${path} ${what} while it was read`)
}
