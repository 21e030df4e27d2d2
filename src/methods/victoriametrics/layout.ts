import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { BackupError } from '../../errors.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'
import { partitionStart } from './retention.ts'

/** The storage data path of a server. */
export interface Storage {
  /** Path in the container. */
  path: string
  /** The same path for this process. */
  hostPath: string
}

/**
 * Finds the storage by the snapshot that lies in it, since `-storageDataPath` is a flag and may be relative to a
 * folder that is not known. PATH_UNREACHABLE where it is on no mount.
 */
export function findStorage(ctx: MethodContext, snapshot: string): Storage {
  const mounts = ctx.container.mounts.filter(({ kind, writable }) => kind !== 'other' && writable)
  for (const { destination } of mounts) {
    const hostPath = ctx.hostPath(destination)
    const below = findFolder(hostPath, join('snapshots', snapshot), searchDepth)
    if (below !== undefined) return { path: join(destination, below), hostPath: join(hostPath, below) }
  }
  throw new BackupError('PATH_UNREACHABLE', `the data of ${ctx.container.name} lies on none of its mounts`, {
    hint: 'Put a volume or a bind mount at the -storageDataPath of the server.',
  })
}

const searchDepth = 2

/** The folder at or below `root` that has `wanted` in it, as a relative path. */
function findFolder(root: string, wanted: string, depth: number): string | undefined {
  if (existsSync(join(root, wanted))) return '.'
  if (depth === 0) return undefined
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) {
    const found = findFolder(join(root, name), wanted, depth - 1)
    if (found !== undefined) return join(name, found)
  }
  return undefined
}

/**
 * The trees of a snapshot. On disk it is a folder with relative links to folders of immutable files elsewhere in the
 * storage. The first tree is that folder without its links, and each further tree is what one link leads to, with the
 * place of the link as its origin: extracted there, they are a storage again.
 */
export function artifactsOf({ path, hostPath }: Storage, snapshot: string): TreeArtifact[] {
  const root = join(hostPath, 'snapshots', snapshot)
  const links = listLinks(root)
  if (!links.includes('data/small')) {
    throw new BackupError(
      'DUMP_FAILED',
      `snapshot ${snapshot} is not laid out as known: ${links.join(', ') || 'no links'}`,
    )
  }
  const tree = {
    kind: 'tree' as const,
    name: 'storage',
    root,
    origin: path,
    exclude: links,
    skipDevices: engineDevices,
  }
  return [tree, ...links.map((link) => followLink({ path, hostPath }, root, link))]
}

/** The month of the oldest data, as the server names its partitions: `2026_11`. Undefined where there is none. */
export function oldestPartition(trees: TreeArtifact[]): string | undefined {
  const data = trees.filter(({ name }) => name === 'data-small' || name === 'data-big')
  return data
    .flatMap(({ root }) => readdirSync(root))
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

function listLinks(root: string, prefix = ''): string[] {
  return readdirSync(join(root, prefix), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(prefix, entry.name)
      if (entry.isDirectory()) return listLinks(root, path)
      return entry.isSymbolicLink() ? [path] : []
    })
    .sort()
}

function followLink({ path, hostPath }: Storage, root: string, link: string): TreeArtifact {
  const target = resolve(join(root, link), '..', readlinkSync(join(root, link)))
  if (relative(hostPath, target).startsWith('..') || !existsSync(target)) {
    throw new BackupError('DUMP_FAILED', `${link} of the snapshot leads out of the storage, or nowhere: ${target}`)
  }
  const named = { name: link.replaceAll('/', '-'), origin: join(path, link) }
  return { kind: 'tree', ...named, root: target, exclude: [], skipDevices: engineDevices }
}
