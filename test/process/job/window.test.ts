import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Catalog, ResumeIntent } from '../../../src/catalog/catalog.ts'
import { containerLock, formatKey } from '../../../src/catalog/keys.ts'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { refOf } from '../../../src/job/service.ts'
import type { Repository } from '../../../src/repository/repository.ts'
import type { FakeContainer } from '../../fakes/engine.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const never = new AbortController().signal

const run = async (stage: JobStage, signal = stage.signal) =>
  runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, signal)

const oneService = () => setJobStage(({ data }) => [{ name: 'db', labels: enabled(), mounts: [data('files')] }])

const factsOf = async (stage: JobStage, name: string) =>
  (await stage.parts.engine.inspect(name, never)) as ContainerFacts

/** A stop takes its time and goes on when its caller has left, as Podman's does. */
function stopSlowly(stage: JobStage, ms: number, onBegun: () => void = () => {}): void {
  const { engine } = stage.parts
  const stop = engine.stop
  const pending = new Map<string, Promise<{ exitCode: number }>>()
  const begin = async (id: string) => {
    engine.change(id, { state: 'stopping' })
    onBegun()
    await sleep(ms)
    engine.change(id, { state: 'running' })
    return stop(id, 0, never)
  }
  engine.stop = async (id, _grace, signal) => {
    if (!pending.has(id))
      pending.set(
        id,
        begin(id).finally(() => pending.delete(id)),
      )
    const left = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return Promise.race([pending.get(id) as Promise<{ exitCode: number }>, left])
  }
}

/** What a run that was killed while it held a container leaves behind. */
function dieHolding(stage: JobStage, container: ContainerFacts, how: ResumeIntent['how'] = 'start'): void {
  const { catalog } = stage.parts
  catalog.abandonIntent(
    catalog.addIntent({
      kind: 'resume',
      how,
      container: refOf(container),
      startTimeoutSeconds: 1,
      ...(container.startedAt !== undefined && { startedAt: container.startedAt }),
    }),
  )
}

describe('a stop that outlasts its run', () => {
  test('of an aborted backup: the service runs in the end, and no intent is left', async () => {
    const stage = oneService()
    const interruption = new AbortController()
    stopSlowly(stage, 300, () => setTimeout(() => interruption.abort(), 10))
    const { targets } = await run(stage, interruption.signal)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } })
    await sleep(400)
    expect(await stage.states()).toEqual({ db: 'running' })
    expect(stage.parts.engine.journal).toEqual(['stop db', 'start db'])
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('of a killed backup: recovery waits for the end of the stop and starts the service', async () => {
    const stage = oneService()
    stopSlowly(stage, 300)
    const db = await factsOf(stage, 'db')
    dieHolding(stage, db)
    void stage.parts.engine.stop(db.id, 10, never)
    expect(await recover(stage.parts, never)).toMatchObject({ done: ['start container db'], problems: [] })
    await sleep(400)
    expect(await stage.states()).toEqual({ db: 'running' })
  })
})

test('a service that its user had paused stays paused where a killed restore had not stopped it yet', async () => {
  const stage = setJobStage(({ data }) => [
    { name: 'db', state: 'paused', labels: enabled(), mounts: [data('files')], health: 'starting' },
  ])
  dieHolding(stage, await factsOf(stage, 'db'), 'pause')
  expect(await recover(stage.parts, never)).toMatchObject({ done: ['pause container db'], problems: [] })
  expect(stage.parts.engine.journal).toEqual([])
  expect(await stage.states()).toEqual({ db: 'paused' })
})

test('a service that its user had paused is paused again after a killed restore, be it healthy or not', async () => {
  const stage = setJobStage(({ data }) => [
    { name: 'db', state: 'paused', labels: enabled(), mounts: [data('files')], health: 'starting' },
  ])
  keepHealth(stage, 'starting')
  const { engine } = stage.parts
  const db = await factsOf(stage, 'db')
  dieHolding(stage, db, 'pause')
  await engine.stop(db.id, 1, never)
  expect(await recover(stage.parts, never)).toMatchObject({ done: ['pause container db'], problems: [] })
  expect(engine.journal).toEqual(['stop db', 'start db', 'pause db'])
})

describe('writers that another run holds', () => {
  const shared = (data: (name: string) => NonNullable<FakeContainer['mounts']>[number]) => [
    { name: 'app', labels: enabled(), mounts: [data('files')] },
    { name: 'indexer', mounts: [data('files')] },
  ]

  test('are held by the next run as well, once the first has let go', async () => {
    const stage = setJobStage(({ data }) => shared(data))
    const [target] = await stage.targets()
    const indexer = await factsOf(stage, 'indexer')
    const other = stage.parts.catalog.lock([containerLock('indexer')], 'another run')
    await stage.parts.engine.stop(indexer.id, 1, never)
    const running = runBackup(stage.parts, target ? [target] : [], { reason: 'manual' }, never)
    await sleep(300)
    await stage.parts.engine.start(indexer.id, never)
    other[Symbol.dispose]()
    const { targets } = await running
    expect(targets[0]).toMatchObject({ outcome: 'complete', stopped: ['app', 'indexer'] })
    expect(await stage.states()).toEqual({ app: 'running', indexer: 'running' })
  })

  test('are waited for where they were made after the run was asked for', async () => {
    const stage = setJobStage(({ data }) => shared(data).slice(0, 1))
    const { catalog, engine } = stage.parts
    const targets = await stage.targets()
    engine.add({ name: 'indexer', project: 'shop', mounts: targets[0]?.container.mounts ?? [] })
    const other = catalog.lock([containerLock('indexer')], 'another run')
    const tried = Promise.withResolvers<void>()
    const lock: Catalog['lock'] = (keys, run) => {
      if (keys.some((key) => formatKey(key) === formatKey(containerLock('indexer')))) tried.resolve()
      return catalog.lock(keys, run)
    }
    const running = runBackup({ ...stage.parts, catalog: { ...catalog, lock } }, targets, { reason: 'manual' }, never)
    await Promise.race([tried.promise, running])
    expect(engine.journal).toEqual([])
    other[Symbol.dispose]()
    expect((await running).targets).toMatchObject([{ outcome: 'complete', stopped: ['app', 'indexer'] }])
  })

  test('of a run that died are started, held and started again by the next one', async () => {
    const stage = setJobStage(({ data }) => shared(data))
    const indexer = await factsOf(stage, 'indexer')
    dieHolding(stage, indexer)
    await stage.parts.engine.stop(indexer.id, 1, never)
    const { targets } = await run(stage)
    expect(targets[0]).toMatchObject({ outcome: 'complete', stopped: ['app', 'indexer'] })
    expect(await stage.states()).toEqual({ app: 'running', indexer: 'running' })
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('are left alone by a recovery while a live run holds them', async () => {
    const stage = oneService()
    const db = await factsOf(stage, 'db')
    dieHolding(stage, db)
    await stage.parts.engine.stop(db.id, 1, never)
    {
      using _lock = stage.parts.catalog.lock([containerLock('db')], 'another run')
      expect(await recover(stage.parts, never)).toMatchObject({ done: [], problems: [] })
      expect(await stage.states()).toEqual({ db: 'stopped' })
    }
    expect(await recover(stage.parts, never)).toMatchObject({ done: ['start container db'], problems: [] })
  })
})

describe('a window that was none', () => {
  const meanwhile = (stage: JobStage, act: () => unknown): void => {
    const { local } = stage
    const stageIn: Repository['stage'] = async (...call) => {
      const staged = await local.stage(...call)
      await act()
      return staged
    }
    stage.local = { ...local, stage: stageIn }
  }
  const startedMeanwhile = (stage: JobStage, name: string) =>
    meanwhile(stage, () => stage.parts.engine.start(name, never))

  const newcomers: [what: string, name: string][] = [
    ['a held container was made anew', 'db'],
    ['a writer was made that was not there before', 'indexer'],
  ]
  test.each(newcomers)('because %s in it: nothing is published', async (_, name) => {
    const stage = oneService()
    const { engine } = stage.parts
    const { mounts, labels } = await factsOf(stage, 'db')
    meanwhile(stage, () => {
      if (name === 'db') engine.remove(name)
      engine.add({ name, project: 'shop', service: name, number: 1, mounts, ...(name === 'db' && { labels }) })
    })
    const { targets } = await run(stage)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'NOT_STILL' } })
    expect(targets[0]?.error?.message).toContain(name)
    expect(await stage.local.list(never)).toEqual([])
    expect((await stage.states()).db).toBe('running')
  })

  test('is one all the same where a held container was made anew in it and first started by its end', async () => {
    const stage = oneService()
    const { engine } = stage.parts
    const { mounts, labels } = await factsOf(stage, 'db')
    const { start } = engine
    engine.start = async (id, signal) => {
      await start(id, signal)
      engine.change(id, { startedAt: new Date().toISOString() })
    }
    meanwhile(stage, () => {
      engine.remove('db')
      engine.add({ name: 'db', project: 'shop', service: 'db', number: 1, mounts, labels, state: 'created' })
    })
    expect((await run(stage)).targets[0]).toMatchObject({ outcome: 'complete' })
    expect((await stage.states()).db).toBe('running')
  })

  test('because the held service was started while a restore keeps what is there: nothing is replaced', async () => {
    const stage = oneService()
    await run(stage)
    const word = join(stage.folder, 'files/word')
    writeFileSync(word, 'newer')
    startedMeanwhile(stage, 'db')
    const plan = await planRestore(stage.parts, { targets: await stage.targets(), at: 'latest' }, never)
    const { targets } = await runRestore(stage.parts, plan, { safety: true }, never)
    expect(targets[0]).toMatchObject({ outcome: 'failed', rolledBack: false, error: { code: 'NOT_STILL' } })
    expect(readFileSync(word, 'utf8')).toBe('newer')
    expect((await stage.states()).db).toBe('running')
    expect(stage.parts.catalog.intents()).toEqual([])
  })

  test('because a held container was started in it: nothing is published', async () => {
    const stage = oneService()
    startedMeanwhile(stage, 'db')
    const { targets } = await run(stage)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'NOT_STILL' } })
    expect(targets[0]?.error?.message).toContain('db')
    expect(await stage.local.list(never)).toEqual([])
    expect(await stage.states()).toEqual({ db: 'running' })
  })

  test('because a writer that was stopped before was started in it: nothing is published', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'db', labels: enabled(), mounts: [data('files')] },
      { name: 'idle', state: 'stopped', mounts: [data('files')] },
    ])
    startedMeanwhile(stage, 'idle')
    const { targets } = await run(stage)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'NOT_STILL' } })
    expect(await stage.local.list(never)).toEqual([])
  })
})

describe('a service that is unhealthy', () => {
  test('before its backup is expected to run afterwards, not to be healthy', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'db', labels: enabled({ 'start-timeout': '60s' }), mounts: [data('files')], health: 'unhealthy' },
    ])
    keepHealth(stage, 'unhealthy')
    expect((await run(stage)).targets[0]).toMatchObject({ outcome: 'complete' })
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('after its backup is reported once, and leaves no intent, since it runs', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'db', labels: enabled({ 'start-timeout': '1s' }), mounts: [data('files')], health: 'healthy' },
    ])
    keepHealth(stage, 'unhealthy')
    expect((await run(stage)).targets[0]).toMatchObject({ outcome: 'incomplete', error: { code: 'RESUME_FAILED' } })
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })
})

function keepHealth(stage: JobStage, health: ContainerFacts['health']): void {
  const { engine } = stage.parts
  const start = engine.start
  engine.start = async (id, signal) => {
    await start(id, signal)
    engine.change(id, { health })
  }
}

describe('a container that cannot be inspected', () => {
  const withUnreadable = () =>
    setJobStage(({ data }) => [
      { name: 'db', labels: enabled(), mounts: [data('files')] },
      { name: 'odd', unreadable: 'inspect odd: HTTP 500: layer not known' },
    ])

  test('may be a writer: the backup says so, and a restore is refused before anything is touched', async () => {
    const stage = withUnreadable()
    const { targets } = await run(stage)
    expect(targets[0]).toMatchObject({
      outcome: 'complete',
      warnings: [expect.stringContaining('odd runs and cannot be')],
    })
    const [snapshot] = await stage.local.list(never)
    expect(snapshot?.warnings).toEqual(targets[0]?.warnings)
    const request = { targets: await stage.targets(), at: 'latest' as const }
    const plan = await planRestore(stage.parts, request, never)
    const restored = await runRestore(stage.parts, plan, { safety: true }, never)
    expect(restored.targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'RESTORE_REFUSED' } })
    expect(stage.parts.engine.journal).toEqual(['stop db', 'start db'])
  })
})
