import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore, type RestoreRequest } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { brittleServer } from '../../fakes/brittle-server.ts'
import { asMethod, type WholeMethod } from '../../support/whole-method.ts'
import { enabled, failOnce, type JobStage, setJobStage } from './stage.ts'

const databases = (names: string) => enabled({ method: 'postgres', 'postgres.databases': names })

/** A service whose labels name other paths than at the time of its only snapshot. */
async function movedStage(
  before: Record<string, string>,
  now: Record<string, string>,
  fill?: (folder: string) => void,
) {
  const stage = setJobStage(({ data }) => [
    { name: 'app', labels: enabled(before), mounts: [data('old', '/old'), data('new', '/new')] },
    { name: 'writer', mounts: [data('old', '/elsewhere')] },
    { name: 'other', mounts: [data('new', '/elsewhere')] },
  ])
  mkdirSync(join(stage.folder, 'old/part'))
  fill?.(stage.folder)
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  relabel(stage, now)
  return stage
}

const relabel = (stage: JobStage, labels: Record<string, string>) =>
  stage.parts.engine.change('app', { labels: enabled(labels) })

async function restore(stage: JobStage, request: Partial<RestoreRequest> = {}) {
  const plan = await planRestore(
    stage.parts,
    { targets: await stage.targets(), at: 'latest', ...request },
    stage.signal,
  )
  stage.parts.engine.journal.length = 0
  return (await runRestore(stage.parts, plan, { safety: true }, stage.signal)).targets[0]
}

const word = (stage: JobStage, folder: string) => readFileSync(join(stage.folder, folder, 'word'), 'utf8')
const say = (stage: JobStage, folder: string, text: string) => writeFileSync(join(stage.folder, folder, 'word'), text)
const inOrder = async (stage: JobStage) => {
  expect(await stage.states()).toEqual({ app: 'running', writer: 'running', other: 'running' })
  expect(stage.parts.catalog.intents()).toEqual([])
}

describe('a restore after the paths of the labels have changed', () => {
  test.each<[string, Partial<RestoreRequest>]>([
    ['the whole snapshot', {}],
    ['a single path', { only: ['/old/word'] }],
  ])('of %s rolls back what it has replaced, and nothing else', async (_what, request) => {
    const stage = await movedStage({ paths: '/old' }, { paths: '/new' })
    say(stage, 'old', 'written since')
    say(stage, 'new', 'written since')
    failOnce(stage)
    expect(await restore(stage, request)).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(word(stage, 'old')).toBe('written since')
    expect(word(stage, 'new')).toBe('written since')
    await inOrder(stage)
  })

  test('keeps the writers of what it replaces down, and no others', async () => {
    const stage = await movedStage({ paths: '/old' }, { paths: '/new' })
    say(stage, 'old', 'written since')
    const result = await restore(stage)
    expect(result).toMatchObject({ outcome: 'complete', checks: [{ ok: true }] })
    expect(stage.parts.engine.journal.filter((act) => act.startsWith('stop')).toSorted()).toEqual([
      'stop app',
      'stop writer',
    ])
    expect(word(stage, 'old')).toBe('old')
    const safety = (await stage.local.list(stage.signal)).find(({ id }) => id === result?.safetySnapshot)
    expect(safety?.artifacts.map(({ origin }) => origin)).toEqual(['/old'])
    await inOrder(stage)
  })

  test('shows before it begins what it will replace', async () => {
    const stage = await movedStage({ paths: '/old' }, { paths: '/new' })
    const plan = await planRestore(stage.parts, { targets: await stage.targets(), at: 'latest' }, stage.signal)
    expect(plan.steps[0]?.target?.paths).toEqual(['/old'])
    expect(plan.down.map(({ name }) => name).toSorted()).toEqual(['app', 'writer'])
  })

  test.each([
    ['from a part to the whole', '/old/part', '/old'],
    ['from the whole to a part', '/old', '/old/part'],
  ])('%s: what came since into the whole stays when it fails', async (_what, then, now) => {
    const stage = await movedStage({ paths: then }, { paths: now })
    say(stage, 'old', 'written since')
    failOnce(stage)
    expect(await restore(stage)).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(word(stage, 'old')).toBe('written since')
    await inOrder(stage)
  })
})

describe('a restore of a database whose path has changed', () => {
  const make = (folder: string) => {
    for (const path of ['old/app.db', 'new/app.db']) saveRow(join(folder, path), 'at the backup')
  }
  const saveRow = (path: string, text: string) => {
    using database = new DatabaseSync(path)
    database.exec(`DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT '${text}' AS word`)
  }
  const rowOf = (path: string) => {
    using database = new DatabaseSync(path)
    return database.prepare('SELECT word FROM t').get()?.word
  }
  const labels = (path: string) => ({ method: 'sqlite', paths: path })

  test('rolls back the one that it has replaced', async () => {
    const stage = await movedStage(labels('/old/app.db'), labels('/new/app.db'), make)
    saveRow(join(stage.folder, 'old/app.db'), 'written since')
    const { sqlite } = stage.parts.methods
    if (!sqlite) throw new Error('no method sqlite')
    const work = await sqlite.load()
    let fails = true
    const prove: typeof work.prove = async (...call) => {
      if (!fails) return await work.prove(...call)
      fails = false
      throw new Error('no luck')
    }
    stage.parts.methods = { ...stage.parts.methods, sqlite: { ...sqlite, load: async () => ({ ...work, prove }) } }
    expect(await restore(stage)).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(rowOf(join(stage.folder, 'old/app.db'))).toBe('written since')
    await inOrder(stage)
  })
})

describe('a roll back by a later process, after the labels have changed', () => {
  /** A restore whose way back failed, and whose services somebody has started since. */
  async function leftStage(before: Record<string, string>, fill?: (folder: string) => void): Promise<JobStage> {
    const stage = await movedStage(before, before, fill)
    say(stage, 'old', 'written since')
    const { local } = stage
    stage.local = { ...local, extract: () => Promise.reject(new Error('no disk at all')) }
    expect(await restore(stage)).toMatchObject({ error: { code: 'ROLLBACK_FAILED' } })
    stage.local = local
    for (const [name, state] of Object.entries(await stage.states())) {
      if (state === 'stopped') await stage.parts.engine.start(name, stage.signal)
    }
    stage.parts.engine.journal.length = 0
    return stage
  }

  test('puts back what was replaced, with its writers down', async () => {
    const stage = await leftStage({ paths: '/old' })
    relabel(stage, { paths: '/new' })
    expect((await recover(stage.parts, stage.signal)).problems).toEqual([])
    expect(word(stage, 'old')).toBe('written since')
    expect(stage.parts.engine.journal).toContain('stop writer')
    expect(stage.parts.engine.journal).not.toContain('stop other')
    await inOrder(stage)
  })

  test('puts back all databases that the safety snapshot holds, not those that the label names by now', async () => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: databases('one,two'), mounts: [data('files')] }])
    const asked: unknown[] = []
    const server = {
      ...brittleServer,
      kind: 'postgres',
      restore: async (...call: Parameters<typeof brittleServer.restore>) => {
        asked.push((call[1].options as { databases?: string[] }).databases)
        if (asked.length < 3) throw new Error('no luck')
        return await brittleServer.restore(...call)
      },
    } as unknown as WholeMethod<'postgres'>
    stage.parts.methods = { ...stage.parts.methods, postgres: asMethod(server) }
    await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
    expect(await restore(stage)).toMatchObject({ error: { code: 'ROLLBACK_FAILED' } })
    stage.parts.engine.change('app', { labels: databases('two') })
    expect((await recover(stage.parts, stage.signal)).problems).toEqual([])
    expect(asked).toEqual([['one', 'two'], ['one', 'two'], undefined])
  })

  test('is not done by another method than that of the snapshot', async () => {
    const stage = await leftStage({ paths: '/old' })
    relabel(stage, { method: 'sqlite', paths: '/new/app.db' })
    expect((await recover(stage.parts, stage.signal)).problems).toMatchObject([expect.stringContaining('method files')])
    relabel(stage, { paths: '/old' })
    expect((await recover(stage.parts, stage.signal)).problems).toEqual([])
    expect(word(stage, 'old')).toBe('written since')
    await inOrder(stage)
  })
})

test('what a method notes for its roll back reaches it, in the same process and in a later one', async () => {
  const stage = setJobStage(({ data }) => [
    { name: 'app', labels: enabled({ method: 'redis' }), mounts: [data('files')] },
  ])
  const seen: unknown[] = []
  const server: WholeMethod<'redis'> = {
    ...brittleServer,
    restore: async (ctx, ...call) => {
      seen.push(ctx.rollsBack)
      ctx.noteForRollBack({ made: 'nothing yet' })
      ctx.noteForRollBack({ made: `by call ${seen.length}` })
      if (seen.length < 3) throw new Error('no luck')
      return await brittleServer.restore(ctx, ...call)
    },
  }
  stage.parts.methods = { ...stage.parts.methods, redis: asMethod(server) }
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  expect(await restore(stage)).toMatchObject({ error: { code: 'ROLLBACK_FAILED' } })
  expect((await recover(stage.parts, stage.signal)).problems).toEqual([])
  expect(seen).toEqual([undefined, { made: 'by call 1' }, { made: 'by call 1' }])
})

test('a server that keeps its data at another place by now is not restored over what lies at the old one', async () => {
  const stage = setJobStage(({ data }) => [
    { name: 'app', labels: enabled({ method: 'redis' }), mounts: [data('files'), data('now', '/now')] },
  ])
  let place = '/data'
  const server: WholeMethod<'redis'> = {
    ...brittleServer,
    replaces: ({ facts }) => [String(facts.place)],
    async *capture(ctx, spec) {
      yield* brittleServer.capture(ctx, spec)
      ctx.fact('place', place)
    },
  }
  stage.parts.methods = { ...stage.parts.methods, redis: asMethod(server) }
  await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
  place = '/now'
  say(stage, 'files', 'of somebody else')
  expect(await restore(stage)).toMatchObject({
    outcome: 'failed',
    error: { code: 'RESTORE_REFUSED', message: 'app keeps its data in /now now, the snapshot has /data' },
  })
  expect(word(stage, 'files')).toBe('of somebody else')
  expect(stage.parts.engine.journal).toEqual([])
  expect(stage.parts.catalog.intents()).toEqual([])
})
