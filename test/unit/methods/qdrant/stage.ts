import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { BackupError } from '../../../../src/errors.ts'
import type { TargetSpec } from '../../../../src/labels/spec.ts'
import type { RestoreContext } from '../../../../src/methods/method.ts'
import { type FakeQdrant, startFakeQdrant } from '../../../fakes/qdrant.ts'
import { clientOf, type QdrantClient } from '../../../fakes/qdrant-client.ts'
import { type Bench, benchOf } from './bench.ts'

export const apiKey = 'never-to-be-seen'

/** A contract server with data in it, and the method beside it. */
export interface Stage extends AsyncDisposable {
  fake: FakeQdrant
  bench: Bench
  folder: string
  client: QdrantClient
  /** Snapshot files on the server's disk. */
  files(): string[]
}

export async function openStage(options: Partial<TargetSpec<'qdrant'>['options']> = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-qdrant-'))
  const snapshots = join(folder, 'snapshots')
  mkdirSync(snapshots)
  const fake = await startFakeQdrant({ storage: folder, snapshots, apiKey })
  const client = clientOf(`http://127.0.0.1:${fake.port}`, apiKey)
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
    client,
    bench: benchOf({ port: fake.port, environment, service }, options),
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

/** What work failed with. */
export const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error) => error,
  )

/**
 * Nothing of a restore is left: no uploaded file, no temporary collection, no note; and every request was a valid one.
 */
export async function expectClean({ bench, client, fake, files }: Stage): Promise<void> {
  const names = (await client.call('GET', '/collections')).result.collections.map(({ name }: { name: string }) => name)
  expect(names.filter((name: string) => name.startsWith('xnai-'))).toEqual([])
  expect(files().filter((file) => file.startsWith('xnai-'))).toEqual([])
  expect([...bench.notes]).toEqual([])
  expect(fake.violations).toEqual([])
}
