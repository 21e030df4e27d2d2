import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { UndoDetail } from '../../../../src/methods/method.ts'
import type { Kept } from './bench.ts'
import { apiKey, expectClean, failure, openStage, type Stage } from './stage.ts'

const dropAlias = ({ client: { call } }: Stage, alias_name: string) =>
  call('POST', '/collections/aliases', { actions: [{ delete_alias: { alias_name } }] })

const damages: [what: string, damage: (stage: Stage) => Promise<unknown>][] = [
  ['nothing happened', async () => {}],
  ['points are gone', ({ client: { call } }) => call('POST', '/collections/docs/points/delete', { points: [1, 2, 3] })],
  [
    'points are others',
    ({ client: { call } }) =>
      call('PUT', '/collections/docs/points', { points: [{ id: 1, vector: { text: [9, 9, 9, 9] }, payload: {} }] }),
  ],
  ['a collection is gone', ({ client: { call } }) => call('DELETE', '/collections/docs')],
  [
    'all is gone',
    async ({ client: { call } }) => {
      await call('DELETE', '/collections/docs')
      await call('DELETE', '/collections/My%20notes%20%C3%BC')
    },
  ],
  [
    'other vector parameters',
    async ({ client: { call } }) => {
      await call('DELETE', '/collections/docs')
      await call('PUT', '/collections/docs', { vectors: { size: 8, distance: 'Dot' } })
    },
  ],
  [
    'other settings of the same vectors',
    async (stage) => {
      const { config } = (await stage.client.call('GET', '/collections/docs')).result
      await stage.client.call('DELETE', '/collections/docs')
      await stage.client.call('PUT', '/collections/docs', { ...config.params, hnsw_config: { m: 32 } })
    },
  ],
  ['an alias is gone', (stage) => dropAlias(stage, 'current')],
  ['an alias leads elsewhere', (stage) => stage.client.alias('current', 'My notes ü')],
  ['an alias is new', (stage) => stage.client.alias('newer', 'docs')],
  [
    'a collection is new',
    ({ client: { call } }) => call('PUT', '/collections/newer', { vectors: { size: 2, distance: 'Dot' } }),
  ],
  [
    'an alias has the name of a collection',
    async (stage) => {
      await stage.client.call('DELETE', '/collections/docs')
      await stage.client.alias('docs', 'My notes ü')
    },
  ],
  [
    'a collection has the name of an alias',
    async (stage) => {
      await dropAlias(stage, 'current')
      await stage.client.call('PUT', '/collections/current', { vectors: { size: 2, distance: 'Dot' } })
    },
  ],
]

test.each(damages)('what was there comes back exactly: %s', async (_, damage) => {
  await using stage = await openStage()
  await stage.client.fill()
  const before = await stage.client.content()
  const snapshot = await stage.bench.capture()
  await damage(stage)
  await stage.bench.check(snapshot)
  for (const check of await stage.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await stage.client.content()).toEqual(before)
  await expectClean(stage)
})

/** As if this had been captured. */
function storeOther({ contents, artifacts }: Kept, artifact: string, content: string): void {
  const record = artifacts.find(({ name }) => name === artifact)
  if (!record) throw new Error(`no artifact ${artifact}`)
  contents.set(artifact, Buffer.from(content))
  record.bytes = content.length
  record.sha256 = createHash('sha256').update(content).digest('hex')
}

test('an index that the server lost is made again', async () => {
  await using stage = await openStage()
  await stage.client.fill()
  const before = await stage.client.content()
  const snapshot = await stage.bench.capture()
  const content = JSON.parse(String(snapshot.contents.get('2-docs.snapshot')))
  storeOther(snapshot, '2-docs.snapshot', JSON.stringify({ ...content, schema: {} }))
  await stage.bench.restore(snapshot)
  expect(await stage.client.content()).toEqual(before)
})

describe('where the label names collections', () => {
  test('the others stay as they are', async () => {
    await using stage = await openStage({ collections: ['docs'] })
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    const before = await stage.client.content()
    await stage.client.call('PUT', '/collections/newer', { vectors: { size: 2, distance: 'Dot' } })
    await stage.client.call('DELETE', '/collections/docs')
    for (const check of await stage.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    await stage.client.call('DELETE', '/collections/newer')
    expect(await stage.client.content()).toEqual(before)
  })

  test('a roll back brings back an alias that led to one of the others', async () => {
    await using stage = await openStage({ collections: ['docs'] })
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    await stage.client.alias('current', 'My notes ü')
    const before = await stage.client.content()
    const safety = await stage.bench.capture()
    let noted: UndoDetail = {}
    await stage.bench.restore(snapshot, {
      noteForRollBack: (detail) => {
        noted = detail
      },
    })
    expect(await stage.client.content()).not.toEqual(before)
    await stage.bench.restore(safety, { rollsBack: noted })
    expect(await stage.client.content()).toEqual(before)
    await expectClean(stage)
  })

  test('an alias that became a collection of somebody else’s refuses the restore', async () => {
    await using stage = await openStage({ collections: ['docs'] })
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    await dropAlias(stage, 'current')
    await stage.client.call('PUT', '/collections/current', { vectors: { size: 2, distance: 'Dot' } })
    expect(await failure(stage.bench.check(snapshot))).toMatchObject({ code: 'RESTORE_REFUSED' })
  })
})

describe('a restore that is refused or fails touches nothing', () => {
  test.each([
    ['1.12.4', 'RESTORE_REFUSED'],
    ['1.15.0', 'RESTORE_REFUSED'],
  ])('a server of version %s', async (version, code) => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    stage.fake.version = version
    expect(await failure(stage.bench.check(snapshot))).toMatchObject({ code })
    const requests = stage.fake.requests.length
    expect(await failure(stage.bench.restore(snapshot))).toMatchObject({ code })
    expect(stage.fake.requests.slice(requests).filter((line) => !line.startsWith('GET'))).toEqual([])
  })

  const isTrial = (line: string) => line.includes('/xnai-restore-')
  test.each<[what: string, code: string, intercept: Stage['fake']['intercept']]>([
    [
      'too few points in the trial',
      'PROOF_FAILED',
      (line) => (isTrial(line) && line.endsWith('/points/count') ? { result: { count: 7 } } : undefined),
    ],
    [
      'the disk is full',
      'NO_SPACE',
      (line) =>
        line.includes('/snapshots/upload')
          ? { status: 500, error: 'Service internal error: No space left on device' }
          : undefined,
    ],
    [
      'the key may only read',
      'AUTH_FAILED',
      (line) =>
        line.includes('/snapshots/upload') ? { status: 403, error: 'Forbidden: Global manage access' } : undefined,
    ],
  ])('%s', async (_, code, intercept) => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    await stage.client.call('POST', '/collections/docs/points/delete', { points: [1, 2, 3] })
    const damaged = await stage.client.content()
    stage.fake.intercept = intercept
    const error = await failure(stage.bench.restore(snapshot))
    expect(error).toMatchObject({ code })
    expect(`${error.message} ${error.hint}`).not.toContain(apiKey)
    stage.fake.intercept = () => undefined
    expect(await stage.client.content()).toEqual(damaged)
    await expectClean(stage)
  })

  test('a stored file that is cut', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    const before = await stage.client.content()
    snapshot.contents.set('1-my-notes-.snapshot', Buffer.alloc(5))
    expect(await failure(stage.bench.restore(snapshot))).toMatchObject({ code: 'SNAPSHOT_DAMAGED' })
    expect(await stage.client.content()).toEqual(before)
    await expectClean(stage)
  })

  test('garbage with the right checksum leaves no file where the API does not see it', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    const record = snapshot.artifacts[0]
    if (!record) throw new Error('no artifact')
    const garbage = Buffer.from('no archive')
    snapshot.contents.set(record.name, garbage)
    record.bytes = garbage.length
    record.sha256 = createHash('sha256').update(garbage).digest('hex')
    expect(await failure(stage.bench.restore(snapshot))).toMatchObject({ code: 'RESTORE_FAILED' })
    await expectClean(stage)
  })

  test('an interruption, in the middle of an upload', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    const before = await stage.client.content()
    const controller = new AbortController()
    stage.fake.onShard = () => controller.abort()
    expect(await failure(stage.bench.restore(snapshot, { signal: controller.signal }))).toMatchObject({
      code: 'INTERRUPTED',
    })
    expect(await stage.client.content()).toEqual(before)
    await expectClean(stage)
  })
})
