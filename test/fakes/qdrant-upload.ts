import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Collection, Store } from './qdrant-store.ts'

export type Reply =
  | { result: unknown; status?: number }
  | { error: string; status: number }
  | { text: string; status: number }
  | { raw: unknown; result?: unknown; status?: number }
  /** `length`: announced; more than there is breaks off. */
  | { bytes: Buffer; length?: number }

/** One life of the server. */
export interface World {
  store: Store
  isDead: boolean
  version(): string
  onShard(done: number, collection: string): void | Promise<void>
}

/** Goes on when the client has gone. The file stays; under an alias it lies in a folder of that name. */
export async function upload(
  world: World,
  given: string,
  name: string,
  { checksum }: Record<string, string>,
  type: string | undefined,
  bytes: Buffer,
): Promise<Reply> {
  const { store } = world
  const part = parseForm(type, bytes)
  if (part?.field !== 'snapshot')
    return { status: 400, text: 'Multipart error: Field with name "snapshot" is required' }
  const sha256 = createHash('sha256').update(part.content).digest('hex')
  if (checksum !== undefined && checksum !== sha256)
    return { status: 400, error: `Bad request: Snapshot checksum mismatch: expected ${sha256}, got ${checksum}` }
  store.writeSnapshot(store.snapshotPath(given, part.fileName), part.content)
  const wanted = parseSnapshot(part.content)
  if (!wanted) return { status: 500, error: 'Service internal error: failed to unpack snapshot archive' }
  const existing = store.collections.get(name)
  if (existing && !isCompatible(existing, wanted))
    return { status: 400, error: 'Wrong input: Snapshot is not compatible with existing collection' }
  return replaceShards(world, name, existing, wanted)
}

/**
 * Shard after shard: a reader sees a mix, and a server that dies in between leaves one, or a shard that it cannot load.
 */
async function replaceShards(
  world: World,
  name: string,
  existing: Collection | undefined,
  wanted: Collection,
): Promise<Reply> {
  const { store } = world
  const collection = existing ?? { ...wanted, schema: {}, shards: wanted.shards.map(() => ({})) }
  store.collections.set(name, collection)
  store.saveCollection(name)
  for (const [index, shard] of wanted.shards.entries()) {
    collection.shards[index] = shard
    collection.schema = wanted.schema
    store.saveCollection(name)
    await world.onShard(index + 1, name)
    if (world.isDead) throw new Error('the server is dead')
  }
  return { result: true }
}

const isCompatible = (a: Collection, b: Collection) =>
  isDeepStrictEqual(a.config.params.vectors, b.config.params.vectors) && a.shards.length === b.shards.length

function parseSnapshot(content: Buffer): Collection | undefined {
  try {
    return JSON.parse(content.toString())
  } catch {
    return undefined
  }
}

/** A form with a single file. */
function parseForm(
  type: string | undefined,
  bytes: Buffer,
): { field: string; fileName: string; content: Buffer } | undefined {
  const boundary = /boundary=(.+)$/.exec(type ?? '')?.[1]
  const start = bytes.indexOf('\r\n\r\n')
  const end = bytes.lastIndexOf(`\r\n--${boundary}--`)
  const [, field, fileName] = /name="([^"]*)"; filename="([^"]*)"/.exec(bytes.subarray(0, start).toString()) ?? []
  if (boundary === undefined || start < 0 || end < start + 4 || field === undefined || fileName === undefined)
    return undefined
  return { field, fileName, content: bytes.subarray(start + 4, end) }
}
