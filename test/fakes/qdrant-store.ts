import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Point {
  id: number | string
  vector: unknown
  payload: Record<string, unknown>
}

export interface Index {
  data_type: string
  params?: Record<string, unknown>
}

/** A collection as it lies on disk, in a folder of its own under `collections`. */
export interface Collection {
  config: { params: Record<string, unknown> } & Record<string, unknown>
  schema: Record<string, Index>
  shards: Record<string, Point>[]
}

/** What survives the death of the server: folders as Qdrant has them, with JSON in them. */
export interface Store {
  collections: Map<string, Collection>
  aliases: Map<string, string>
  saveCollection(name: string): void
  saveAliases(): void
  dropCollection(name: string): void
  /** A server that dies now leaves a shard that it cannot load: it never starts again with it. */
  markHalf(name: string): void
  snapshots(folder: string): string[]
  snapshotPath(folder: string, file: string): string
  /** All of it or nothing. */
  writeSnapshot(path: string, bytes: Buffer): void
}

/** Throws, as the server panics at its start, for a collection that was left half. */
export function openStore(storage: string, snapshots: string): Store {
  const collectionFolder = (name: string) => join(storage, 'collections', name)
  const aliasFile = join(storage, 'aliases.json')
  mkdirSync(join(storage, 'collections'), { recursive: true })
  const names = readdirSync(join(storage, 'collections'))
  const half = names.find((name) => existsSync(join(collectionFolder(name), 'half')))
  if (half) throw new Error(`Failed to load local shard "${collectionFolder(half)}/0"`)
  const read = (name: string) => JSON.parse(readFileSync(join(collectionFolder(name), 'collection.json'), 'utf8'))

  const store: Store = {
    collections: new Map(names.map((name) => [name, read(name)])),
    aliases: new Map(existsSync(aliasFile) ? JSON.parse(readFileSync(aliasFile, 'utf8')) : []),
    saveCollection: (name) => {
      mkdirSync(collectionFolder(name), { recursive: true })
      writeFileSync(join(collectionFolder(name), 'collection.json'), JSON.stringify(store.collections.get(name)))
      rmSync(join(collectionFolder(name), 'half'), { force: true })
    },
    saveAliases: () => writeFileSync(aliasFile, JSON.stringify([...store.aliases])),
    dropCollection: (name) => {
      store.collections.delete(name)
      rmSync(collectionFolder(name), { recursive: true, force: true })
      for (const [alias, target] of store.aliases) if (target === name) store.aliases.delete(alias)
      store.saveAliases()
    },
    markHalf: (name) => writeFileSync(join(collectionFolder(name), 'half'), ''),
    snapshots: (folder) => {
      const path = join(snapshots, folder)
      return existsSync(path) ? readdirSync(path).filter((file) => file.endsWith('.snapshot')) : []
    },
    snapshotPath: (folder, file) => {
      mkdirSync(join(snapshots, folder), { recursive: true })
      return join(snapshots, folder, file)
    },
    writeSnapshot: (path, bytes) => {
      try {
        writeFileSync(path, bytes)
      } catch (error) {
        rmSync(path, { force: true })
        throw error
      }
    },
  }
  return store
}

/** As the server describes a snapshot file; an uploaded one has no checksum beside it. */
export function describeFile(path: string, name: string) {
  const { size, mtime } = statSync(path)
  const checksum = existsSync(`${path}.checksum`) ? { checksum: readFileSync(`${path}.checksum`, 'utf8') } : {}
  return { name, creation_time: mtime.toISOString().slice(0, 19), size, ...checksum }
}

/** The settings of a new collection, with the server's own for what the request leaves open. */
export function configOf(body: Record<string, unknown>): Collection['config'] {
  const { vectors = {}, sparse_vectors, shard_number = 1, quantization_config = null } = body
  return {
    params: {
      vectors,
      shard_number,
      replication_factor: 1,
      write_consistency_factor: 1,
      on_disk_payload: true,
      ...(sparse_vectors ? { sparse_vectors } : {}),
    },
    hnsw_config: { m: 16, ef_construct: 100, full_scan_threshold: 10000, ...(body.hnsw_config as object) },
    optimizer_config: { deleted_threshold: 0.2, indexing_threshold: 20000, ...(body.optimizers_config as object) },
    wal_config: { wal_capacity_mb: 32, wal_segments_ahead: 0 },
    quantization_config,
    strict_mode_config: { enabled: false },
  }
}

export function shardOf(collection: Collection, id: number | string): Record<string, Point> {
  const text = String(id)
  let sum = 0
  for (let index = 0; index < text.length; index++) sum = (sum * 31 + text.charCodeAt(index)) >>> 0
  return collection.shards[sum % collection.shards.length] as Record<string, Point>
}

/** Numbers first, then UUIDs, each in order: as a scroll goes. */
export const pointsOf = ({ shards }: Collection): Point[] =>
  shards.flatMap((shard) => Object.values(shard)).toSorted((a, b) => compareIds(a.id, b.id))

function compareIds(a: number | string, b: number | string): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
