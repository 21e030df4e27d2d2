import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { BackupError } from '../../../../src/errors.ts'
import type { TargetSpec } from '../../../../src/labels/spec.ts'
import type { RestoreContext } from '../../../../src/methods/method.ts'
import { type FakeQdrant, startFakeQdrant } from '../../../fakes/qdrant.ts'
import { type Bench, benchOf } from './bench.ts'

export const apiKey = 'never-to-be-seen'

/** A contract server with data in it, and the method beside it. */
export interface Stage extends AsyncDisposable {
  fake: FakeQdrant
  bench: Bench
  folder: string
  /** Answer of a request, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape
  call(method: string, path: string, body?: unknown): Promise<any>
  /** All that a client sees: collections with settings, indexes and points, and aliases. */
  content(): Promise<unknown>
  /** Snapshot files on the server's disk. */
  files(): string[]
}

export async function openStage(options: Partial<TargetSpec<'qdrant'>['options']> = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-qdrant-'))
  const snapshots = join(folder, 'snapshots')
  mkdirSync(snapshots)
  const fake = await startFakeQdrant({ storage: folder, snapshots, apiKey })
  const call = async (method: string, path: string, body?: unknown) => {
    const headers = { 'api-key': apiKey, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const response = await fetch(`http://127.0.0.1:${fake.port}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return text.startsWith('{') ? JSON.parse(text) : text
  }
  const environment = { QDRANT__SERVICE__API_KEY: apiKey, QDRANT__STORAGE__STORAGE_PATH: folder }
  const service: RestoreContext['service'] = {
    state: async () => (fake.isRunning() ? 'running' : 'stopped'),
    start: () =>
      fake.start().catch((cause) => {
        throw new BackupError('UNHEALTHY', 'ended at once with exit code 101', { cause })
      }),
    stop: () => fake.kill(),
  }
  return {
    fake,
    folder,
    call,
    bench: benchOf({ port: fake.port, environment, service }, options),
    content: async () => {
      const names: string[] = (await call('GET', '/collections')).result.collections.map(
        ({ name }: { name: string }) => name,
      )
      const collections = []
      for (const name of names.toSorted()) {
        const path = `/collections/${encodeURIComponent(name)}`
        const { config, payload_schema } = (await call('GET', path)).result
        const all = { limit: 10_000, with_payload: true, with_vector: true }
        collections.push({
          name,
          config,
          payload_schema,
          points: (await call('POST', `${path}/points/scroll`, all)).result,
        })
      }
      return { collections, aliases: (await call('GET', '/aliases')).result.aliases.toSorted(byAlias) }
    },
    files: () =>
      readdirSync(snapshots, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name),
    [Symbol.asyncDispose]: async () => {
      await fake.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const byAlias = (a: { alias_name: string }, b: { alias_name: string }) => (a.alias_name < b.alias_name ? -1 : 1)

/** Two collections with named, multi- and sparse vectors, an index, quantization, three shards; two aliases. */
export async function fill({ call }: Pick<Stage, 'call'>): Promise<void> {
  await call('PUT', '/collections/docs', {
    shard_number: 3,
    vectors: {
      text: { size: 4, distance: 'Cosine' },
      late: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
    },
    sparse_vectors: { words: {} },
    quantization_config: { scalar: { type: 'int8', always_ram: true } },
  })
  await call('PUT', '/collections/docs/index?wait=true', { field_name: 'city', field_schema: 'keyword' })
  const points = Array.from({ length: 200 }, (_, n) => ({
    id: n,
    vector: {
      text: [n, 1, 2, 3],
      late: [
        [n, 1],
        [2, n],
      ],
      words: { indices: [1, n + 2], values: [0.5, 0.25] },
    },
    payload: { city: n % 2 ? 'Ulm' : 'Bonn', n },
  }))
  await call('PUT', '/collections/docs/points?wait=true', { points })
  await call('PUT', '/collections/My%20notes%20%C3%BC', { vectors: { size: 2, distance: 'Dot' } })
  await call('PUT', '/collections/My%20notes%20%C3%BC/points?wait=true', {
    points: [{ id: '550e8400-e29b-41d4-a716-446655440000', vector: [1, 2], payload: {} }],
  })
  await alias({ call }, 'current', 'docs')
  await alias({ call }, 'notes', 'My notes ü')
}

export const alias = ({ call }: Pick<Stage, 'call'>, alias_name: string, collection_name: string) =>
  call('POST', '/collections/aliases', { actions: [{ create_alias: { alias_name, collection_name } }] })

/** What work failed with. */
export const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error,
  )

/** Nothing of a restore is left: no uploaded file, no temporary collection, no note; and every request was a valid one. */
export async function expectClean({ bench, call, fake, files }: Stage): Promise<void> {
  const names = (await call('GET', '/collections')).result.collections.map(({ name }: { name: string }) => name)
  expect(names.filter((name: string) => name.startsWith('xnai-'))).toEqual([])
  expect(files().filter((file) => file.startsWith('xnai-'))).toEqual([])
  expect([...bench.notes]).toEqual([])
  expect(fake.violations).toEqual([])
}
