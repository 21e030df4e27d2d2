import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { BackupError, type ErrorCode } from '../../../src/errors.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { brittleServer } from '../../fakes/brittle-server.ts'
import { asMethod } from '../../support/whole-method.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const neverWrites = { 'xnai.backup.writer': 'never' }

/** A service whose method is the fake server's, with a snapshot of the word `good`. */
async function serverStage(
  more: Parameters<typeof setJobStage>[0] = () => [],
  options: Parameters<typeof setJobStage>[1] = {},
): Promise<JobStage> {
  const stage = setJobStage(
    (make) => [{ name: 'app', labels: enabled({ method: 'redis' }), mounts: [make.data('files')] }, ...more(make)],
    options,
  )
  stage.parts.methods = { ...stage.parts.methods, redis: asMethod(brittleServer) }
  say(stage, 'good')
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  stage.parts.engine.journal.length = 0
  return stage
}

const word = (stage: JobStage) => join(stage.folder, 'files/word')
const say = (stage: JobStage, text: string) => writeFileSync(word(stage), text)
const heard = (stage: JobStage) => readFileSync(word(stage), 'utf8')
const files = (stage: JobStage) => readdirSync(join(stage.folder, 'files')).sort()

async function restore(stage: JobStage, at = 'latest', safety = true) {
  const plan = await planRestore(stage.parts, { targets: await stage.targets(), at }, stage.signal)
  const { targets } = await runRestore(stage.parts, plan, { safety }, stage.signal)
  const [result] = targets
  if (!result) throw new Error('no result')
  return result
}

const inOrder = async (stage: JobStage, state = 'running') => {
  expect(await stage.states()).toEqual({ app: state })
  expect(stage.parts.catalog.intents()).toEqual([])
}

test('a dump that fails makes the safety snapshot raw, taken while the service is down, and the restore goes on', async () => {
  const stage = await serverStage()
  say(stage, 'broken')
  const result = await restore(stage)
  expect(result).toMatchObject({ outcome: 'complete', safety: 'raw', rolledBack: false })
  expect(heard(stage)).toBe('good')
  const kept = (await stage.local.list(stage.signal)).find(({ id }) => id === result.safetySnapshot)
  expect(kept).toMatchObject({ reason: 'safety', raw: true, method: 'files', artifacts: [{ origin: '/data' }] })
  expect(stage.parts.engine.journal).toEqual(['stop app', 'start app', 'stop app', 'start app'])
  await inOrder(stage)
})

test('a restore that fails after a raw safety snapshot puts the very bytes back, and starts the service as before', async () => {
  const stage = await serverStage()
  say(stage, 'broken')
  stage.parts.methods.redis = asMethod({ ...brittleServer, prove: async () => [{ ...check, ok: false }] })
  const result = await restore(stage)
  expect(result).toMatchObject({ outcome: 'failed', safety: 'raw', rolledBack: true, error: { code: 'PROOF_FAILED' } })
  expect(heard(stage)).toBe('broken')
  expect(files(stage)).toEqual(['word'])
  await inOrder(stage)
})

const check = { name: 'word', expected: 'this', actual: 'that', ok: true }

describe('a server that was started a moment ago and does not answer yet', () => {
  /** It answers the third time it is asked. `meanwhile` is done before the second. */
  async function startingStage(secondsAgo: number, meanwhile: (stage: JobStage) => void = () => {}) {
    const stage = await serverStage()
    say(stage, 'new')
    const startedAt = new Date(Date.now() - secondsAgo * 1000).toISOString()
    stage.parts.engine.change('app', { startedAt })
    let asked = 0
    const preflight = async () => {
      if (++asked === 2) meanwhile(stage)
      if (asked < 3) throw new BackupError('SERVICE_DOWN', 'it does not answer')
    }
    stage.parts.methods.redis = asMethod({ ...brittleServer, preflight })
    return { stage, asked: () => asked }
  }

  test('is waited for, because a stop in the middle of its first start would leave it broken', async () => {
    const { stage, asked } = await startingStage(3)
    expect(await restore(stage)).toMatchObject({ outcome: 'complete', warnings: [] })
    expect(asked()).toBe(3)
  })

  test('is taken for what it is where its time to start is over, or it was started again meanwhile', async () => {
    const late = await startingStage(300)
    expect(await restore(late.stage)).toMatchObject({ outcome: 'complete', warnings: [notAsked] })
    expect(late.asked()).toBe(1)
    const startedAt = new Date(Date.now() - 1000).toISOString()
    const again = await startingStage(3, ({ parts }) => parts.engine.change('app', { startedAt }))
    expect(await restore(again.stage)).toMatchObject({ outcome: 'complete', warnings: [notAsked] })
    expect(again.asked()).toBe(2)
  })

  const notAsked = expect.stringContaining('could not be asked before the restore')
})

test('a service that had ended before is ended again after a raw roll back', async () => {
  const stage = await serverStage()
  say(stage, 'broken')
  stage.parts.engine.change('app', { state: 'stopped', exitCode: 1 })
  stage.parts.clock = { ...stage.parts.clock, monotonicMs: skipping() }
  stage.parts.methods.redis = asMethod({ ...brittleServer, restore: () => Promise.reject(new Error('no luck')) })
  expect(await restore(stage)).toMatchObject({ outcome: 'failed', safety: 'raw', rolledBack: true })
  expect(heard(stage)).toBe('broken')
  await inOrder(stage, 'stopped')
})

/** A clock in which every look is a minute after the last one. */
function skipping(): () => number {
  let now = 0
  return () => (now += 60_000)
}

test('a way back that cannot be gone at once is gone by the next pass, from the raw snapshot', async () => {
  const stage = await serverStage()
  say(stage, 'broken')
  const { local } = stage
  stage.local = { ...local, extract: () => Promise.reject(new Error('no disk at all')) }
  stage.parts.methods.redis = asMethod({ ...brittleServer, prove: async () => [{ ...check, ok: false }] })
  expect(await restore(stage)).toMatchObject({ safety: 'raw', error: { code: 'ROLLBACK_FAILED' } })
  stage.local = local
  expect(await recover(stage.parts, stage.signal)).toMatchObject({ problems: [] })
  expect(heard(stage)).toBe('broken')
  await inOrder(stage)
})

test('a raw snapshot is restored by its id, and what it replaces is kept raw too', async () => {
  const stage = await serverStage()
  say(stage, 'broken')
  const { safetySnapshot = '' } = await restore(stage)
  const result = await restore(stage, safetySnapshot)
  expect(result).toMatchObject({ outcome: 'complete', safety: 'raw', checks: [{ ok: true }] })
  expect(heard(stage)).toBe('broken')
  expect(await restore(stage, result.safetySnapshot)).toMatchObject({ outcome: 'complete', safety: 'raw' })
  expect(heard(stage)).toBe('good')
  await inOrder(stage)
})

test('a raw snapshot is never the latest', async () => {
  const stage = await serverStage()
  say(stage, 'broken')
  const { safetySnapshot } = await restore(stage)
  const plan = await planRestore(stage.parts, { targets: await stage.targets(), at: 'latest' }, stage.signal)
  expect(plan.steps[0]?.snapshot.id).not.toBe(safetySnapshot)
})

test('a server that does not start gets an empty data directory once its raw data is kept', async () => {
  const stage = await serverStage()
  say(stage, 'dead')
  const result = await restore(stage)
  expect(result).toMatchObject({ outcome: 'complete', safety: 'raw' })
  expect(result.warnings.join()).toContain(`is in ${result.safetySnapshot}`)
  expect(heard(stage)).toBe('good')
  await inOrder(stage)
})

test('a server that ends while it is asked counts as one that does not start', async () => {
  const stage = await serverStage()
  say(stage, 'dead')
  const restoreInVain: typeof brittleServer.restore = async (ctx, ...rest) => {
    if (!existsSync(word(stage))) return brittleServer.restore(ctx, ...rest)
    await ctx.service.start()
    stage.parts.engine.change('app', { state: 'stopped', exitCode: 1 })
    throw new BackupError('EXEC_FAILED', 'exit code 125')
  }
  stage.parts.methods.redis = asMethod({ ...brittleServer, restore: restoreInVain })
  expect(await restore(stage)).toMatchObject({ outcome: 'complete', safety: 'raw' })
  expect(heard(stage)).toBe('good')
  await inOrder(stage)
})

test('a server that does not start, and whose snapshot is not all of it, is put back as it was', async () => {
  const stage = await serverStage()
  say(stage, 'dead')
  writeFileSync(join(stage.folder, 'files/other'), 'not in the snapshot')
  const { startsAnew: _, ...partial } = brittleServer
  stage.parts.methods.redis = asMethod(partial)
  const result = await restore(stage)
  expect(result).toMatchObject({ outcome: 'failed', safety: 'raw', rolledBack: true, error: { code: 'UNHEALTHY' } })
  expect(result.error?.hint).toContain(String(result.safetySnapshot))
  expect(files(stage)).toEqual(['other', 'word'])
  await inOrder(stage)
})

test('a new server that does not take the snapshot either is replaced by the raw data', async () => {
  const stage = await serverStage()
  say(stage, 'dead')
  stage.parts.methods.redis = asMethod({ ...brittleServer, prove: async () => [{ ...check, ok: false }] })
  expect(await restore(stage)).toMatchObject({ outcome: 'failed', safety: 'raw', rolledBack: true })
  expect(heard(stage)).toBe('dead')
  await inOrder(stage)
})

test('where the method names no path that is mounted, every writable mount is kept raw, and none is emptied', async () => {
  const stage = await serverStage()
  say(stage, 'dead')
  stage.parts.methods.redis = asMethod({ ...brittleServer, dataPaths: () => ['/elsewhere'] })
  expect(await restore(stage)).toMatchObject({ outcome: 'failed', safety: 'raw', rolledBack: true })
  expect(heard(stage)).toBe('dead')
  await inOrder(stage)
})

test('a volume that is mounted below the data path is kept with it', async () => {
  const stage = setJobStage(({ data }) => [
    { name: 'app', labels: enabled({ method: 'redis' }), mounts: [data('files'), data('log', '/data/log')] },
  ])
  stage.parts.methods = { ...stage.parts.methods, redis: asMethod(brittleServer) }
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  say(stage, 'broken')
  const { safetySnapshot } = await restore(stage)
  const kept = (await stage.local.list(stage.signal)).find(({ id }) => id === safetySnapshot)
  expect(kept?.artifacts.map(({ origin }) => origin)).toEqual(['/data', '/data/log'])
})

test('without a safety snapshot nothing is emptied', async () => {
  const stage = await serverStage()
  say(stage, 'dead')
  expect(await restore(stage, 'latest', false)).toMatchObject({ outcome: 'failed', error: { code: 'UNHEALTHY' } })
  expect(heard(stage)).toBe('dead')
})

const refused: ErrorCode[] = ['AUTH_FAILED', 'NO_SPACE', 'ENGINE_UNREACHABLE', 'TOOL_MISSING', 'PATH_UNREACHABLE']

test.each(refused)('a capture that fails with %s is no broken service: the restore is refused', async (code) => {
  const stage = await serverStage()
  const capture = () => {
    throw new BackupError(code, 'of the operator')
  }
  stage.parts.methods.redis = asMethod({ ...brittleServer, capture })
  const result = await restore(stage)
  expect(result).toMatchObject({ outcome: 'failed', rolledBack: false, error: { code } })
  expect(result.error?.hint).toContain('--no-safety')
  expect(result).not.toHaveProperty('safety')
  expect(stage.parts.engine.journal).toEqual([])
})

test('raw data that another running container may write is not taken: the restore is refused and names it', async () => {
  const stage = await serverStage(({ data }) => [{ name: 'tool', mounts: [data('files')] }])
  say(stage, 'broken')
  const result = await restore(stage)
  expect(result).toMatchObject({ outcome: 'failed', error: { code: 'DUMP_FAILED' } })
  expect(result.error?.message).toContain('tool')
  expect(stage.parts.engine.journal).toEqual([])
  expect(heard(stage)).toBe('broken')
})

test.each([
  ['of its own is believed', {}, 'complete'],
  ['of its image is not: an image rules nothing out', { tool: neverWrites }, 'failed'],
])('a container that says `writer: never` by a label %s', async (_what, images, outcome) => {
  const tool = { name: 'tool', imageId: 'tool', labels: neverWrites }
  const stage = await serverStage(({ data }) => [{ ...tool, mounts: [data('files')] }], { images })
  say(stage, 'broken')
  expect(await restore(stage)).toMatchObject({ outcome })
})

test('raw data whose folder became a link is neither taken nor replaced', async () => {
  const stage = await serverStage()
  stage.parts.methods.redis = asMethod({ ...brittleServer, dataPaths: () => ['/data/sub'] })
  const outside = join(stage.folder, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'sentinel'), 'kept')
  symlinkSync(outside, join(stage.folder, 'files/sub'))
  say(stage, 'broken')
  expect(await restore(stage)).toMatchObject({ outcome: 'failed', error: { code: 'DUMP_FAILED' } })
  expect(readdirSync(outside)).toEqual(['sentinel'])
  await inOrder(stage)
})

test('of a damaged SQLite file the raw data is the file and what lies beside it', async () => {
  const stage = setJobStage(({ data }) => [
    { name: 'app', labels: enabled({ method: 'sqlite', paths: '/data/app.db' }), mounts: [data('files')] },
  ])
  const file = join(stage.folder, 'files/app.db')
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (7)')
  database.close()
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  writeFileSync(file, '<html>not found</html>')
  writeFileSync(`${file}-journal`, 'left by a crash')
  const first = await restore(stage)
  expect(first).toMatchObject({ outcome: 'complete', safety: 'raw' })
  expect(files(stage)).toEqual(['app.db', 'word'])
  const back = await restore(stage, first.safetySnapshot)
  expect(back).toMatchObject({ outcome: 'complete', safety: 'raw' })
  expect(readFileSync(file, 'utf8')).toBe('<html>not found</html>')
  expect(readFileSync(`${file}-journal`, 'utf8')).toBe('left by a crash')
  await inOrder(stage)
})

test('a torn FAISS index does not keep its tree from being restored', async () => {
  const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  const index = join(stage.folder, 'files/torn.faiss')
  writeFileSync(index, 'IxF2')
  expect(await restore(stage)).toMatchObject({ outcome: 'complete', safety: 'raw', rolledBack: false })
  expect(existsSync(index)).toBe(false)
  await inOrder(stage)
})
