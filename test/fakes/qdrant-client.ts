/** What the tests do with a Qdrant, real or not, by its API. */
export interface QdrantClient {
  /** The answer, as JSON where it is that; a refusal is an error. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape
  call(method: string, path: string, body?: unknown): Promise<any>
  /** All that a client sees: collections with settings, indexes and every point, and aliases. */
  content(): Promise<Content>
  /** Snapshot files of all collections that the server lists. */
  files(): Promise<string[]>
  alias(name: string, collection: string): Promise<unknown>
  /**
   * `docs` with three shards, quantization, named, multi- and sparse vectors and an index; a second collection with an
   * odd name; an alias of each. The numbers are ones that 32 bits hold exactly.
   */
  fill(points?: number): Promise<void>
}

export interface Content {
  collections: { name: string; config: unknown; indexes: unknown; points: unknown[] }[]
  aliases: unknown[]
}

export const oddPath = `/collections/${encodeURIComponent('My notes ü')}`

export function clientOf(url: string, apiKey: string): QdrantClient {
  const call: QdrantClient['call'] = async (method, path, body) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = { 'api-key': apiKey, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const response = await fetch(`${url}${path}`, { method, headers, ...sent })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text.startsWith('{') ? JSON.parse(text) : text
  }
  const names = async (): Promise<string[]> =>
    (await call('GET', '/collections')).result.collections.map(({ name }: { name: string }) => name).toSorted()
  const alias = (alias_name: string, collection_name: string) =>
    call('POST', '/collections/aliases', { actions: [{ create_alias: { alias_name, collection_name } }] })
  return {
    call,
    alias,
    content: async () => ({
      collections: await Promise.all((await names()).map((name) => readCollection(call, name))),
      aliases: (await call('GET', '/aliases')).result.aliases.map((each: unknown) => JSON.stringify(each)).toSorted(),
    }),
    files: async () => {
      const lists = (await names()).map((name) => call('GET', `/collections/${encodeURIComponent(name)}/snapshots`))
      return (await Promise.all(lists)).flatMap(({ result }) => result.map(({ name }: { name: string }) => name))
    },
    fill: async (points = 200) => {
      await call('PUT', '/collections/docs', docs)
      await call('PUT', '/collections/docs/index?wait=true', { field_name: 'city', field_schema: 'keyword' })
      for (let from = 0; from < points; from += 1000) {
        const batch = Array.from({ length: Math.min(1000, points - from) }, (_, n) => pointOf(from + n))
        await call('PUT', '/collections/docs/points?wait=true', { points: batch })
      }
      await call('PUT', oddPath, { vectors: { size: 2, distance: 'Dot' } })
      const odd = { id: '550e8400-e29b-41d4-a716-446655440000', vector: [1, 2], payload: { nested: { a: [1, null] } } }
      await call('PUT', `${oddPath}/points?wait=true`, { points: [odd] })
      await alias('current', 'docs')
      await alias('notes', 'My notes ü')
    },
  }
}

const docs = {
  shard_number: 3,
  vectors: {
    text: { size: 4, distance: 'Cosine' },
    late: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
  },
  sparse_vectors: { words: {} },
  quantization_config: { scalar: { type: 'int8', always_ram: true } },
}

const pointOf = (n: number) => ({
  id: n,
  vector: {
    text: [n, 1, 2, 3],
    // Two rows of whole numbers would be read as a sparse vector.
    late: [
      [n + 0.5, 1],
      [2, n],
    ],
    words: { indices: [1, n + 2], values: [0.5, 0.25] },
  },
  payload: { city: n % 2 ? 'Ulm' : 'Bonn', n },
})

async function readCollection(call: QdrantClient['call'], name: string): Promise<Content['collections'][number]> {
  const path = `/collections/${encodeURIComponent(name)}`
  const { config, payload_schema } = (await call('GET', path)).result
  const points: unknown[] = []
  let offset: unknown
  do {
    const page = { limit: 1000, with_payload: true, with_vector: true, ...(offset ? { offset } : {}) }
    const { result } = await call('POST', `${path}/points/scroll`, page)
    points.push(...result.points)
    offset = result.next_page_offset
  } while (offset)
  // How many points an index covers is told roughly.
  const indexes = Object.entries<{ data_type: string; params?: unknown }>(payload_schema)
  return {
    name,
    config,
    indexes: indexes.map(([field, { data_type, params }]) => ({ field, data_type, params })),
    points,
  }
}
