import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { BackupError } from '../../errors.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { MethodContext } from '../method.ts'
import { engineDevices } from '../shared/engine-devices.ts'

/** The storage data path of a server. */
export interface Storage {
  /** In the container. */
  path: string
  hostPath: string
}

/** Found by the snapshot that lies in it: `-storageDataPath` is a flag and may be relative to a folder that nobody tells. */
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

/** The folder below `root`, as a relative path, that has `wanted` in it. */
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
 * A snapshot is a folder with relative links to folders of immutable files elsewhere in the storage. Answers the folder without its
 * links, then what each link leads to: each put where it stands here, they are a storage again.
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
