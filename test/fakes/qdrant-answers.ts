import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Matched } from './qdrant-document.ts'
import { type Collection, configOf, describeFile, type Index, type Point, pointsOf, shardOf } from './qdrant-store.ts'
import { type Reply, upload, type World } from './qdrant-upload.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document has checked the body
type Body = any
type Route = (
  world: World,
  call: { path: Record<string, string>; query: Record<string, string>; name: string; body: Body },
) => Reply | Promise<Reply>

/** What a real 1.13.1 answered to the same. `name` is the real name of the collection of the path. */
export async function answer(
  world: World,
  method: string,
  matched: Matched,
  type: string | undefined,
  bytes: Buffer,
): Promise<Reply> {
  const { route, path, query } = matched
  const given = path.collection_name ?? ''
  const name = world.store.aliases.get(given) ?? given
  if (/[/<>:"\\|?*]/.test(given)) return { status: 422, error: 'Validation error in path parameters' }
  const key = `${method} ${route.replace('{collection_name}', 'C')}`
  const isForAny = ['PUT /collections/C', 'DELETE /collections/C', 'POST /collections/C/snapshots/upload'].includes(key)
  if (given && !isForAny && !world.store.collections.has(name))
    return { status: 404, error: `Not found: Collection \`${given}\` doesn't exist!` }
  if (key === 'POST /collections/C/snapshots/upload') return upload(world, given, name, query, type, bytes)
  const body = bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined
  const answerOf = routes[key]
  if (!answerOf) throw new Error(`the fake does not know ${key}`)
  return answerOf(world, { path, query, name, body })
}

const collectionOf = ({ store }: World, name: string) => store.collections.get(name) as Collection

const routes: Record<string, Route> = {
  'GET /': ({ version }) => ({ raw: { title: 'qdrant - vector search engine', version: version(), commit: 'fake' } }),
  'GET /readyz': () => ({ status: 200, text: 'all shards are ready' }),
  'GET /collections': ({ store }) => ({
    result: { collections: [...store.collections.keys()].map((name) => ({ name })) },
  }),
  'GET /collections/C': (world, { name }) => {
    const { config, schema, shards } = collectionOf(world, name)
    const points = shards.reduce((sum, shard) => sum + Object.keys(shard).length, 0)
    const payload_schema = Object.fromEntries(
      Object.entries(schema).map(([field, index]) => [field, { ...index, points }]),
    )
    return {
      result: {
        status: 'green',
        optimizer_status: 'ok',
        points_count: points,
        segments_count: 2,
        config,
        payload_schema,
      },
    }
  },
  'PUT /collections/C': ({ store }, { path, body }) => {
    const name = path.collection_name as string
    if (store.aliases.has(name))
      return {
        status: 400,
        error: `Wrong input: Can't create collection with name ${name}. Alias with the same name already exists`,
      }
    if (store.collections.has(name))
      return { status: 409, error: `Wrong input: Collection \`${name}\` already exists!` }
    const config = configOf(body)
    const shards = Array.from({ length: Number(config.params.shard_number) }, () => ({}))
    store.collections.set(name, { config, schema: {}, shards })
    store.saveCollection(name)
    return { result: true }
  },
  'DELETE /collections/C': ({ store }, { path }) => {
    const name = path.collection_name as string
    const isThere = store.collections.has(name)
    if (isThere) store.dropCollection(name)
    return { result: isThere }
  },
  'GET /collections/C/cluster': (world, { name }) => {
    const { shards } = collectionOf(world, name)
    const local_shards = shards.map((shard, shard_id) => ({
      shard_id,
      points_count: Object.keys(shard).length,
      state: 'Active',
    }))
    return { result: { peer_id: 1, shard_count: shards.length, local_shards, remote_shards: [], shard_transfers: [] } }
  },
  'PUT /collections/C/index': (world, { name, body }) => {
    collectionOf(world, name).schema[body.field_name] = indexOf(body.field_schema)
    world.store.saveCollection(name)
    return { result: { operation_id: 0, status: 'completed' } }
  },
  'PUT /collections/C/points': (world, { name, body }) => {
    const collection = collectionOf(world, name)
    for (const { id, vector, payload = {} } of body.points as Point[])
      shardOf(collection, id)[id] = { id, vector, payload }
    world.store.saveCollection(name)
    return { result: { operation_id: 0, status: 'completed' } }
  },
  'POST /collections/C/points/delete': (world, { name, body }) => {
    const collection = collectionOf(world, name)
    for (const id of body.points) delete shardOf(collection, id)[id]
    world.store.saveCollection(name)
    return { result: { operation_id: 0, status: 'completed' } }
  },
  'POST /collections/C/points/count': (world, { name }) => ({
    result: { count: pointsOf(collectionOf(world, name)).length },
  }),
  'POST /collections/C/points/scroll': (world, { name, body }) => {
    const points = pointsOf(collectionOf(world, name))
    const from = body.offset === undefined ? 0 : points.findIndex(({ id }) => id === body.offset)
    const limit = body.limit ?? 10
    return { result: { points: points.slice(from, from + limit), next_page_offset: points[from + limit]?.id ?? null } }
  },
  'GET /aliases': ({ store }) => ({
    result: { aliases: [...store.aliases].map(([alias_name, collection_name]) => ({ alias_name, collection_name })) },
  }),
  'POST /collections/aliases': ({ store }, { body }) => {
    const next = new Map(store.aliases)
    for (const action of body.actions) {
      if (action.delete_alias) next.delete(action.delete_alias.alias_name)
      const made = action.create_alias
      if (!made) continue
      if (!store.collections.has(made.collection_name))
        return { status: 404, error: `Not found: Collection \`${made.collection_name}\` doesn't exist!` }
      if (store.collections.has(made.alias_name))
        return { status: 409, error: `Wrong input: Collection \`${made.alias_name}\` already exists!` }
      next.set(made.alias_name, made.collection_name)
    }
    store.aliases = next
    store.saveAliases()
    return { result: true }
  },
  'GET /collections/C/snapshots': ({ store }, { name }) => ({
    result: store.snapshots(name).map((file) => describeFile(store.snapshotPath(name, file), file)),
  }),
  'POST /collections/C/snapshots': (world, { name, query }) => {
    const second = new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-')
    const file = `${name}-634919505345910-${second}.snapshot`
    const path = world.store.snapshotPath(name, file)
    const bytes = Buffer.from(JSON.stringify(collectionOf(world, name)))
    world.store.writeSnapshot(path, bytes)
    writeFileSync(`${path}.checksum`, createHash('sha256').update(bytes).digest('hex'))
    return query.wait === 'false'
      ? { status: 202, raw: { status: 'accepted', time: 0 } }
      : { result: describeFile(path, file) }
  },
  'GET /collections/C/snapshots/{snapshot_name}': ({ store }, { name, path }) => {
    const file = store.snapshotPath(name, path.snapshot_name as string)
    return existsSync(file) ? { bytes: readFileSync(file) } : { status: 404, text: '' }
  },
  'DELETE /collections/C/snapshots/{snapshot_name}': ({ store }, { name, path }) => {
    const file = store.snapshotPath(name, path.snapshot_name as string)
    if (!existsSync(file)) return { status: 404, error: `Not found: Snapshot ${path.snapshot_name} not found` }
    rmSync(file)
    rmSync(`${file}.checksum`, { force: true })
    return { result: true }
  },
}

const indexOf = (schema: string | (Record<string, unknown> & { type: string })): Index =>
  typeof schema === 'string' ? { data_type: schema } : { data_type: schema.type, params: schema }
