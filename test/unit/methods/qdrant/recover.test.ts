import { cpSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BackupError } from '../../../../src/errors.ts'
import type { UndoDetail } from '../../../../src/methods/method.ts'
import { apiKey, expectClean, failure, openStage, type Stage } from './stage.ts'

const file = 'xnai-restore-0123456789abcdef.snapshot'
const temporary = 'xnai-restore-fedcba9876543210'
const longAgo = '2020-01-01T00:00:00.000Z'

/** The server dies while it replaces docs under its own name, after so many shards. */
function dieAfter({ fake }: Stage, shards: number): void {
  fake.onShard = (done) => {
    const isReal = fake.requests.at(-1)?.includes('/collections/docs/snapshots/upload')
    if (done !== shards || !isReal) return
    fake.onShard = () => {}
    void fake.kill()
  }
}

/** As a run did it that is dead now. */
async function upload({ fake }: Stage, collection: string, content: Buffer): Promise<void> {
  const form = new FormData()
  form.append('snapshot', new Blob([new Uint8Array(content)]), file)
  const url = `http://127.0.0.1:${fake.port}/collections/${collection}/snapshots/upload?wait=true&priority=snapshot`
  await fetch(url, { method: 'POST', body: form, headers: { 'api-key': apiKey } })
}

describe('a server that died in the middle of a restore', () => {
  test.each([1, 2, 3])('after %i of three shards: the next restore ends in its state', async (shards) => {
    await using stage = await openStage()
    await stage.client.fill()
    const before = await stage.client.content()
    const snapshot = await stage.bench.capture()
    await stage.client.call('POST', '/collections/docs/points/delete', {
      points: Array.from({ length: 100 }, (_, n) => n),
    })
    dieAfter(stage, shards)
    expect(await failure(stage.bench.restore(snapshot))).toMatchObject({ code: 'SERVICE_DOWN' })
    expect(stage.bench.notes.size).toBe(1)
    await stage.bench.restore(snapshot)
    await stage.bench.undoAll()
    expect(await stage.client.content()).toEqual(before)
    await expectClean(stage)
  })

  test('and does not start again with what it left', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const before = await stage.client.content()
    const snapshot = await stage.bench.capture()
    await stage.fake.kill()
    writeFileSync(join(stage.folder, 'collections/docs/half'), '')
    for (const check of await stage.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await stage.client.content()).toEqual(before)
    expect(stage.bench.warnings.join()).toContain('started without')
    await expectClean(stage)
  })

  test('and whose collections become a link before they are moved away: nothing outside is moved or removed', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    await stage.fake.kill()
    writeFileSync(join(stage.folder, 'collections/docs/half'), '')
    const outside = join(stage.folder, 'outside')
    cpSync(join(stage.folder, 'collections'), outside, { recursive: true })
    writeFileSync(join(outside, 'docs/host'), 'of the host')
    const recordUndo = (detail: UndoDetail) => {
      renameSync(join(stage.folder, 'collections'), join(stage.folder, 'moved'))
      symlinkSync('outside', join(stage.folder, 'collections'))
      return stage.bench.context().recordUndo(detail)
    }
    const { service } = stage.bench.context()
    const seen: boolean[] = []
    const start = () => {
      seen.push(existsSync(join(outside, 'docs/host')))
      return service.start()
    }
    const restored = stage.bench.restore(snapshot, { recordUndo, service: { ...service, start } })
    expect(await failure(restored)).toMatchObject({ code: 'TREE_UNSUPPORTED' })
    expect([...seen, existsSync(join(outside, 'docs/host'))]).not.toContain(false)
    expect(existsSync(join(stage.folder, 'moved/docs/half'))).toBe(true)
  })

  test('and does not start for another reason: its folders are back where they were', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const before = await stage.client.content()
    const snapshot = await stage.bench.capture()
    await stage.fake.kill()
    const start = () => Promise.reject(new BackupError('UNHEALTHY', 'ended at once'))
    const error = await failure(stage.bench.restore(snapshot, { service: { ...stage.bench.context().service, start } }))
    expect(error).toMatchObject({ code: 'SERVICE_DOWN' })
    expect(error.hint).toContain('--no-safety')
    await stage.fake.start()
    expect(await stage.client.content()).toEqual(before)
    await expectClean(stage)
  })

  test('and is of a version that does not fit: refused, its folders back where they were', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const snapshot = await stage.bench.capture()
    await stage.fake.kill()
    const mark = join(stage.folder, 'collections/docs/half')
    writeFileSync(mark, '')
    stage.fake.version = '1.20.0'
    await stage.bench.check(snapshot)
    expect(await failure(stage.bench.restore(snapshot))).toMatchObject({ code: 'RESTORE_REFUSED' })
    expect(existsSync(mark)).toBe(true)
    expect([...stage.bench.notes]).toEqual([])
  })
})

test('a restore that a dead run left going is ended before the next one', async () => {
  await using stage = await openStage()
  await stage.client.fill()
  const snapshot = await stage.bench.capture()
  const before = await stage.client.content()
  await upload(stage, 'docs', snapshot.contents.get('2-docs.snapshot') as Buffer)
  let stops = 0
  const { service } = stage.bench.context()
  const stop = () => {
    stops++
    return service.stop()
  }
  await stage.bench.restore(snapshot, { service: { ...service, stop } })
  expect(stops).toBe(1)
  expect(await stage.client.content()).toEqual(before)
  await expectClean(stage)
})

describe('what a dead run noted is undone', () => {
  const kinds: [what: string, note: Record<string, string>, leave: (stage: Stage) => Promise<unknown>][] = [
    [
      'a temporary collection with its file',
      { act: 'upload', collection: temporary, file, temporary: 'yes', at: longAgo },
      async (stage) =>
        upload(stage, temporary, (await stage.bench.capture()).contents.get('2-docs.snapshot') as Buffer),
    ],
    [
      'a file without its temporary collection',
      { act: 'upload', collection: temporary, file, temporary: 'yes', at: longAgo },
      (stage) => upload(stage, temporary, Buffer.from('no archive')),
    ],
    [
      'a file of a real collection, which stays',
      { act: 'upload', collection: 'docs', file, temporary: 'no', at: longAgo },
      async (stage) => upload(stage, 'docs', (await stage.bench.capture()).contents.get('2-docs.snapshot') as Buffer),
    ],
    [
      'an upload that never came',
      { act: 'upload', collection: temporary, file, temporary: 'yes', at: longAgo },
      async () => {},
    ],
    ['a snapshot that is gone', { act: 'made', collection: 'docs', snapshot: 'docs-1.snapshot' }, async () => {}],
    ['a snapshot of a collection that is gone', { act: 'made', collection: 'gone', snapshot: 'x' }, async () => {}],
    ['a snapshot that was never made', { act: 'ask', collection: 'docs', before: '[]', at: longAgo }, async () => {}],
  ]
  test.each(kinds)('%s', async (_, note, leave) => {
    await using stage = await openStage()
    await stage.client.fill()
    const before = await stage.client.content()
    await leave(stage)
    stage.bench.notes.add(note)
    await stage.bench.undoAll()
    expect(await stage.client.content()).toEqual(before)
    await expectClean(stage)
    await stage.bench.undoAll()
  })

  test('a snapshot that was made, and one that was only asked for; not that of somebody else', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    // The names tell the second of their making, which must not be long before the request.
    const at = new Date().toISOString()
    const theirs = (await stage.client.call('POST', '/collections/docs/snapshots')).result.name
    const ours = (await stage.client.call('POST', '/collections/My%20notes%20%C3%BC/snapshots')).result.name
    stage.bench.notes.add({ act: 'made', collection: 'My notes ü', snapshot: ours })
    stage.bench.notes.add({ act: 'ask', collection: 'docs', before: JSON.stringify([theirs]), at })
    const { container } = stage.bench.context()
    await stage.bench.undoAll({ container: { ...container, startedAt: '2100-01-01T00:00:00Z' } })
    expect(stage.files().toSorted()).toEqual([theirs, `${theirs}.checksum`])

    stage.bench.notes.add({ act: 'ask', collection: 'docs', before: '[]', at })
    await stage.bench.undoAll()
    expect(stage.files()).toEqual([])
  })

  test('what was moved out of the way goes only when the server has the collection again', async () => {
    await using stage = await openStage()
    await stage.client.fill()
    const folder = join(stage.folder, 'xnai-aside-0123456789abcdef')
    mkdirSync(join(folder, 'docs'), { recursive: true })
    stage.bench.notes.add({ act: 'aside', folder })
    await stage.client.call('DELETE', '/collections/docs')
    expect(await failure(stage.bench.undoAll())).toMatchObject({ code: 'RESTORE_FAILED' })
    expect(existsSync(folder)).toBe(true)
    await stage.client.call('PUT', '/collections/docs', {})
    await stage.bench.undoAll()
    expect(existsSync(folder)).toBe(false)
  })
})
