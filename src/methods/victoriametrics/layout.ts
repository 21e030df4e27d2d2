import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path/posix'
import { BackupError } from '../../errors.ts'
import { type OpenRoot, openRoot, rootBelow, rootExists } from '../../lib/tree/open-root.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'
import { partitionStart } from './retention.ts'

/** The storage data path of a server. */
export interface Storage {
  /** Path in the container. */
  path: string
  /** The same path as the root of a tree: see `MethodContext.treeRoot`. */
  root: string
}

/**
 * Finds the storage by the snapshot that lies in it, since `-storageDataPath` is a flag and may be relative to a
 * folder that is not known. PATH_UNREACHABLE where it is on no mount.
 */
export function findStorage(ctx: MethodContext, snapshot: string): Storage {
  const mounts = ctx.container.mounts.filter(({ kind, writable }) => kind !== 'other' && writable)
  for (const { destination } of mounts) {
    const mount = ctx.hostPath(destination)
    using tree = openRoot(mount)
    const below = tree.kind === 'file' ? undefined : findFolder(tree, '.', join('snapshots', snapshot), searchDepth)
    if (below !== undefined) return { path: join(destination, below), root: rootBelow(mount, below) }
  }
  throw new BackupError('PATH_UNREACHABLE', `the data of ${ctx.container.name} lies on none of its mounts`, {
    hint: 'Put a volume or a bind mount at the -storageDataPath of the server.',
  })
}

const searchDepth = 2

/** The folder at or below `folder` that has the folder `wanted` in it, by its path in the tree. */
function findFolder(tree: OpenRoot, folder: string, wanted: string, depth: number): string | undefined {
  if (isFolder(tree, join(folder, wanted))) return folder
  if (depth === 0) return undefined
  for (const entry of listFolder(tree, folder)) {
    const found = entry.isDirectory() && findFolder(tree, join(folder, entry.name), wanted, depth - 1)
    if (found) return found
  }
  return undefined
}

/** A link is none, and neither is what lies behind one. */
const isFolder = (tree: OpenRoot, path: string): boolean =>
  attempt(() => lstatSync(tree.at(path)).isDirectory()) ?? false

/** None where it has just gone. */
const listFolder = (tree: OpenRoot, folder: string): Dirent[] =>
  attempt(() => readdirSync(tree.folder(folder), { withFileTypes: true })) ?? []

/** Undefined where something on the way is missing, or is a link. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'NOT_STILL'].includes(String((error as { code?: unknown }).code))) return undefined
    throw error
  }
}

/**
 * The trees of a snapshot. On disk it is a folder with relative links to folders of immutable files elsewhere in the
 * storage. The first tree is that folder without its links, and each further tree is what one link leads to, with the
 * place of the link as its origin: extracted there, they are a storage again.
 */
export function artifactsOf(storage: Storage, snapshot: string): TreeArtifact[] {
  const root = rootBelow(storage.root, join('snapshots', snapshot))
  using tree = openRoot(root)
  const links = listLinks(tree)
  if (!links.includes('data/small') || !links.every((link) => linkPattern.test(link))) {
    throw new BackupError(
      'DUMP_FAILED',
      `snapshot ${snapshot} is not laid out as known: ${links.join(', ') || 'no links'}`,
    )
  }
  const own = { kind: 'tree' as const, name: 'storage', root, origin: storage.path, exclude: links }
  const followed = links.map((link) => {
    const target = readlinkSync(tree.at(link))
    return followLink(storage, link, isAbsolute(target) ? target : join('snapshots', snapshot, dirname(link), target))
  })
  return [{ ...own, skipDevices: engineDevices }, ...followed]
}

/** A link gives an artifact its name, and is a pattern of what its own folder leaves out. */
const linkPattern = /^[a-z0-9][a-z0-9_-]*(\/[a-z0-9_-]+)*$/

/** The month of the oldest data, as the server names its partitions: `2026_11`. Undefined where there is none. */
export function oldestPartition(trees: TreeArtifact[]): string | undefined {
  const data = trees.filter(({ name }) => name === 'data-small' || name === 'data-big')
  return data
    .flatMap(({ root }) => {
      using tree = openRoot(root)
      return readdirSync(tree.folder('.'))
    })
    .filter((name) => partitionStart(name) !== undefined)
    .toSorted()[0]
}

/**
 * RESTORE_REFUSED where the snapshot does not say where its data belongs; PATH_UNREACHABLE where no mount leads there
 * any more.
 */
export function storageOf(ctx: MethodContext, { facts }: StoredSnapshot): string {
  if (typeof facts.storage === 'string') return ctx.hostPath(facts.storage)
  throw new BackupError('RESTORE_REFUSED', 'the snapshot does not say where its data belongs')
}

function listLinks(tree: OpenRoot, folder = '.'): string[] {
  return readdirSync(tree.folder(folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return listLinks(tree, path)
      return entry.isSymbolicLink() ? [path] : []
    })
    .sort()
}

/**
 * The tree to which a link leads, by its path in the storage. That path is followed no further: one that leads through another link is
 * refused, here or when the tree is read.
 */
function followLink(storage: Storage, link: string, target: string): TreeArtifact {
  const isInside = !isAbsolute(target) && target.split('/')[0] !== '..'
  const root = rootBelow(storage.root, target)
  if (!isInside || !rootExists(root)) {
    throw new BackupError('DUMP_FAILED', `${link} of the snapshot leads out of the storage, or nowhere: ${target}`)
  }
  const named = { name: link.replaceAll('/', '-'), origin: join(storage.path, link) }
  return { kind: 'tree', ...named, root, exclude: [], skipDevices: engineDevices }
}
