import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import { type Infer, type ZodType, z } from '../../lib/zod.ts'
import { canonical } from './canonical.ts'
import type { Http } from './http.ts'
import type { FormFile } from './multipart.ts'

/** How many points a sample has. */
const samplePoints = 8

const aliasShape = z.object({ alias_name: z.string(), collection_name: z.string() })
const snapshotShape = z.object({ name: z.string(), size: z.number(), checksum: z.string().nullish() })
const indexShape = z.object({ data_type: z.string(), params: z.unknown().optional() })
const infoShape = z.object({
  status: z.enum(['green', 'yellow', 'grey', 'red']),
  config: z.record(z.string(), z.unknown()),
  payload_schema: z.record(z.string(), indexShape).default({}),
})

export type Alias = Infer<typeof aliasShape>
export type SnapshotDescription = Infer<typeof snapshotShape>
export type PayloadIndex = Infer<typeof indexShape>
export type CollectionInfo = Infer<typeof infoShape>
export type AliasAction = { delete_alias: { alias_name: string } } | { create_alias: Alias }

/**
 * The requests of Qdrant's REST API that are needed here. `collection` MUST be the real name of a collection: under an
 * alias the server works on the collection behind it. The server is silent until a whole collection is packed,
 * unpacked or indexed, so that such requests have hours.
 */
export interface Api {
  version(): Promise<string>
  /** Whether the server has loaded its collections. It needs no key. */
  isReady(): Promise<boolean>
  collections(): Promise<string[]>
  aliases(): Promise<Alias[]>
  /** Does all actions at once, or none of them. */
  changeAliases(actions: AliasAction[]): Promise<void>
  info(collection: string): Promise<CollectionInfo>
  /** The number of shards that other nodes of a cluster hold. */
  remoteShards(collection: string): Promise<number>
  /** The exact number of points. */
  count(collection: string): Promise<number>
  /** The SHA-256 of the first points in the order of their ids, with their vectors and payload. */
  sample(collection: string): Promise<string>
  /** The names of all snapshot files, uploaded ones included, and the time of the server's clock. */
  snapshots(collection: string): Promise<{ names: string[]; date: Date }>
  createSnapshot(collection: string): Promise<SnapshotDescription>
  download(collection: string, snapshot: string, signal: AbortSignal): Readable
  /** Deletes a snapshot file. A missing one is a success. */
  deleteSnapshot(collection: string, snapshot: string): Promise<void>
  /** Replaces the collection by the uploaded snapshot, or creates it. The file stays on the server under its name. */
  upload(collection: string, file: FormFile & { sha256: string }): Promise<void>
  /** Creates an empty collection. Returns false where one is there already. */
  createEmpty(collection: string): Promise<boolean>
  /** Deletes a collection and its aliases. Its snapshot files stay. A missing collection is a success. */
  deleteCollection(collection: string): Promise<void>
  createIndex(collection: string, field: string, index: PayloadIndex): Promise<void>
  /** The same API for clean-up: see `Http.detached`. */
  detached(): Api
}

export function openApi(http: Http): Api {
  const at = (collection: string, rest = '') => `/collections/${encodeURIComponent(collection)}${rest}`
  const file = (collection: string, name: string) => at(collection, `/snapshots/${encodeURIComponent(name)}`)
  const get = async <T>(path: string, shape: ZodType<T>) => result(await http.ask('GET', path), shape)
  const post = async <T>(path: string, body: unknown, shape: ZodType<T>) =>
    result(await http.ask('POST', path, { body }), shape)

  return {
    version: async () => parse((await http.ask('GET', '/')).text, z.object({ version: z.string() })).version,
    isReady: async () => (await http.ask('GET', '/readyz', { accept: [503] })).status === 200,
    collections: async () => {
      const list = z.object({ collections: z.array(z.object({ name: z.string() })) })
      return (await get('/collections', list)).collections.map(({ name }) => name).toSorted()
    },
    aliases: async () => (await get('/aliases', z.object({ aliases: z.array(aliasShape) }))).aliases.toSorted(byName),
    changeAliases: async (actions) => void (await http.ask('POST', '/collections/aliases', { body: { actions } })),
    info: (collection) => get(at(collection), infoShape),
    remoteShards: async (collection) => {
      const shape = z.object({ remote_shards: z.array(z.unknown()) })
      return (await get(at(collection, '/cluster'), shape)).remote_shards.length
    },
    count: async (collection) => {
      const options = { body: { exact: true }, timeoutSeconds: 600 }
      return result(await http.ask('POST', at(collection, '/points/count'), options), z.object({ count: z.number() }))
        .count
    },
    sample: async (collection) => {
      const body = { limit: samplePoints, with_payload: true, with_vector: true }
      const { points } = await post(at(collection, '/points/scroll'), body, z.object({ points: z.array(z.unknown()) }))
      return createHash('sha256').update(canonical(points)).digest('hex')
    },
    snapshots: async (collection) => {
      const answer = await http.ask('GET', at(collection, '/snapshots'))
      return { names: result(answer, z.array(snapshotShape)).map(({ name }) => name), date: answer.date }
    },
    createSnapshot: async (collection) => {
      const path = at(collection, '/snapshots?wait=true')
      return result(await http.ask('POST', path, { timeoutSeconds: longSeconds }), snapshotShape)
    },
    download: (collection, snapshot, signal) => http.download(file(collection, snapshot), signal),
    deleteSnapshot: async (collection, snapshot) =>
      void (await http.ask('DELETE', `${file(collection, snapshot)}?wait=true`, { accept: [404] })),
    upload: async (collection, { sha256, ...form }) => {
      const path = at(collection, `/snapshots/upload?wait=true&priority=snapshot&checksum=${sha256}`)
      await http.ask('POST', path, { file: form })
    },
    createEmpty: async (collection) =>
      (await http.ask('PUT', at(collection), { body: {}, accept: [400, 409] })).status === 200,
    deleteCollection: async (collection) => void (await http.ask('DELETE', at(collection), { timeoutSeconds: 600 })),
    createIndex: async (collection, field, { data_type, params }) => {
      const body = { field_name: field, field_schema: params ?? data_type }
      await http.ask('PUT', at(collection, '/index?wait=true'), { body, timeoutSeconds: longSeconds })
    },
    detached: () => openApi(http.detached()),
  }
}

const byName = (a: Alias, b: Alias) => (a.alias_name < b.alias_name ? -1 : 1)

const result = <T>({ text }: { text: string }, shape: ZodType<T>): T => parse(text, z.object({ result: shape })).result

function parse<T>(text: string, shape: ZodType<T>): T {
  try {
    return shape.parse(JSON.parse(text))
  } catch (cause) {
    const message = `no answer of Qdrant: ${text.slice(0, 100).replace(/\s+/g, ' ')}`
    throw new BackupError('SERVICE_DOWN', message, { cause, hint: 'Does qdrant.port name the HTTP port of Qdrant?' })
  }
}
