import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { Catalog, RollBackIntent } from '../../../src/catalog/catalog.ts'
import { containerLock, controllerLock, formatKey } from '../../../src/catalog/keys.ts'
import { realJobs } from '../../../src/controller/jobs.ts'
import { createRecoverer } from '../../../src/controller/recoverer.ts'
import { BackupError } from '../../../src/errors.ts'
import { runBackupIfFree } from '../../../src/job/backup/if-free.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { describeLeftovers } from '../../../src/job/recover/leftovers.ts'
import { recover, recoverRest } from '../../../src/job/recover.ts'
import { replicate } from '../../../src/job/replicate.ts'
import type { Repository } from '../../../src/repository/repository.ts'
import { run as command } from '../../support/cli.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const never = new AbortController().signal

const twoServices = () =>
  setJobStage(({ data }) => [
    { name: 'db', labels: enabled(), mounts: [data('one')] },
    { name: 'web', labels: enabled(), mounts: [data('two')] },
  ])

const backUp = async ({ parts, targets }: JobStage, name: string) =>
  runBackup(
    parts,
    (await targets()).filter((target) => target.name === name),
    { reason: 'manual' },
    never,
  )

/** What a restore of `db` that was killed leaves behind, once `db` has been backed up. */
async function dieRestoring(stage: JobStage): Promise<void> {
  const { targets } = await backUp(stage, 'db')
  const snapshot = { tier: 'local' as const, id: targets[0]?.snapshot ?? '' }
  const intent: RollBackIntent = { kind: 'roll-back', project: 'shop', target: 'db', snapshot, safety: snapshot }
  stage.parts.catalog.abandonIntent(stage.parts.catalog.addIntent(intent))
}

/** The roll back stands still in the middle, until it is let go on. */
function holdUp(stage: JobStage) {
  const { local } = stage
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const extract: Repository['extract'] = async (...call) => {
    begun.resolve()
    await gate.promise
    return local.extract(...call)
  }
  stage.local = { ...local, extract }
  return { begun: begun.promise, goOn: gate.resolve }
}

const what = 'finish the restore of shop/db'

describe('while a long roll back goes on', () => {
  test('other targets are backed up, its own one is waited for, and a scheduled run of it does not begin', async () => {
    const stage = twoServices()
    await dieRestoring(stage)
    const { begun, goOn } = holdUp(stage)
    const recovery = recover(stage.parts, never)
    await begun
    expect((await backUp(stage, 'web')).outcome).toBe('complete')
    const db = (await stage.targets()).filter(({ name }) => name === 'db')
    expect(await runBackupIfFree(stage.parts, db, { reason: 'schedule' }, never)).toBeUndefined()
    expect(describeLeftovers(stage.parts.catalog)).toEqual([what, 'start container db'])
    let ended = false
    const waiting = backUp(stage, 'db').finally(() => {
      ended = true
    })
    await sleep(300)
    expect(ended).toBe(false)
    goOn()
    expect((await waiting).outcome).toBe('complete')
    expect(await recovery).toMatchObject({ done: [what], problems: [] })
    expect(await stage.states()).toEqual({ db: 'running', web: 'running' })
  })

  test('status answers and shows it, and its process ends when it is done', async () => {
    const stage = twoServices()
    await dieRestoring(stage)
    const { goOn } = holdUp(stage)
    // The roll back and the command list the repository once each, the command when it has seen all else.
    let lists = 0
    const list: Repository['list'] = (signal) => {
      lists += 1
      if (lists === 2) goOn()
      return stage.local.list(signal)
    }
    const { json, stderr } = await command(['status', '--json'], surroundings(stage, { ...stage.local, list }))
    expect(json()).toMatchObject({ recovery: expect.arrayContaining([what]), targets: [{}, {}] })
    expect(stderr).toContain(`note: what a run that died left behind is being finished: ${what}`)
    expect(stderr).toContain(`note: after a run that died: ${what}\n`)
    expect(await stage.states()).toEqual({ db: 'running', web: 'running' })
    expect(stage.parts.catalog.intents()).toEqual([])
  })
})

describe('beside a living controller', () => {
  test('list leaves the leftovers to it and says so, and a backup of the target finishes them first', async () => {
    const stage = twoServices()
    await dieRestoring(stage)
    using _controller = stage.parts.catalog.lock([controllerLock], 'controller')
    const { stdout, stderr } = await command(['list'], surroundings(stage, stage.local))
    expect(stdout).toContain('shop/db')
    expect(stderr).toBe(`note: the controller finishes what a run that died left behind: ${what}\n`)
    expect(stage.parts.catalog.orphans()).toHaveLength(1)
    expect((await backUp(stage, 'db')).outcome).toBe('complete')
    expect(stage.parts.catalog.intents()).toEqual([])
  })
})

test('a roll back stops what another recovery has started since it was planned, and all of it runs in the end', async () => {
  const stage = setJobStage(({ data }) => {
    const mounts = [data('one')]
    return [
      { name: 'db', labels: enabled(), mounts },
      { name: 'tool', mounts },
    ]
  })
  await dieRestoring(stage)
  const { engine } = stage.parts
  for (const name of ['db', 'tool']) await engine.stop(name, 1, never)
  const { local } = stage
  const list: Repository['list'] = async (signal) => {
    for (const name of ['db', 'tool']) await engine.start(name, never)
    engine.journal.length = 0
    return local.list(signal)
  }
  stage.local = { ...local, list }
  expect(await recover(stage.parts, never)).toMatchObject({ done: [what], problems: [] })
  expect(engine.journal.toSorted()).toEqual(['start db', 'start tool', 'stop db', 'stop tool'])
  expect(await stage.states()).toEqual({ db: 'running', tool: 'running' })
})

describe('what a live run held when a command looked for leftovers', () => {
  /** `db` was stopped by a run that died. */
  async function dieStopping(stage: JobStage): Promise<void> {
    const { catalog, engine } = stage.parts
    const container = { id: 'db', name: 'db' }
    catalog.abandonIntent(catalog.addIntent({ kind: 'resume', how: 'start', container, startTimeoutSeconds: 1 }))
    await engine.stop('db', 1, never)
  }

  test('is finished before the process of the command ends, without a controller', async () => {
    const stage = twoServices()
    await dieStopping(stage)
    const live = stage.parts.catalog.lock([containerLock('db')], 'of another process')
    const { local } = stage
    const list: Repository['list'] = (signal) => {
      live[Symbol.dispose]()
      return local.list(signal)
    }
    const { exitCode, stderr } = await command(['backup', 'web'], surroundings(stage, { ...local, list }))
    expect(exitCode).toBe(0)
    expect(stderr).toContain('note: after a run that died: start container db\n')
    expect(await stage.states()).toEqual({ db: 'running', web: 'running' })
    expect(stage.parts.catalog.intents()).toEqual([])
  })

  test('is what a process finishes at its end, and nothing that it has failed to finish itself', async () => {
    const stage = twoServices()
    await dieStopping(stage)
    const [orphan] = stage.parts.catalog.orphans()
    expect(await recoverRest(stage.parts, [], never)).toEqual({ done: [], problems: [], left: [] })
    {
      using _live = stage.parts.catalog.lock([containerLock('db')], 'of another process')
      expect((await recover(stage.parts, never)).left).toEqual([orphan?.id])
    }
    expect((await recoverRest(stage.parts, [orphan?.id ?? 0], never)).done).toEqual(['start container db'])
    expect(await stage.states()).toEqual({ db: 'running', web: 'running' })
  })
})

describe('what cannot be finished', () => {
  test('because its lock cannot be had keeps nothing else from being finished', async () => {
    const stage = twoServices()
    const { catalog, engine } = stage.parts
    for (const name of ['db', 'web']) {
      const container = { id: name, name }
      catalog.abandonIntent(catalog.addIntent({ kind: 'resume', how: 'start', container, startTimeoutSeconds: 60 }))
      await engine.stop(name, 1, never)
    }
    const lock: Catalog['lock'] = (keys, run) => {
      if (keys.map(formatKey).includes(formatKey(containerLock('db'))))
        throw new BackupError('TIMEOUT', 'no end after 24 h')
      return catalog.lock(keys, run)
    }
    const recovery = await recover({ ...stage.parts, catalog: { ...catalog, lock } }, never)
    expect(recovery.done).toEqual(['start container web'])
    expect(recovery.problems).toEqual([expect.stringContaining('start container db: ')])
    expect(await stage.states()).toEqual({ db: 'stopped', web: 'running' })
    expect(catalog.orphans()).toHaveLength(1)
  })

  /** Lets a controller look for leftovers in passes that are an hour apart, and answers the messages of the errors that it logs. */
  async function recoverLogged(stage: JobStage, passes: number): Promise<string[]> {
    const messages: string[] = []
    const log = pino({ level: 'error' }, { write: (line) => void messages.push(JSON.parse(line).msg) })
    let hours = 0
    const clock = { ...stage.parts.clock, monotonicMs: () => hours * 3_600_000 }
    const parts = { ...stage.parts, log, clock }
    const recoverer = createRecoverer(parts, realJobs(parts), () => {}, never)
    for (; hours < passes; hours++) {
      recoverer.begin()
      await recoverer.drain()
      expect(recoverer.errors()).toHaveLength(1)
    }
    return messages
  }

  test('of one run is logged once by a controller', async () => {
    const stage = twoServices()
    const { catalog } = stage.parts
    const container = { id: 'gone', name: 'gone' }
    catalog.abandonIntent(catalog.addIntent({ kind: 'resume', how: 'start', container, startTimeoutSeconds: 1 }))
    expect(await recoverLogged(stage, 1)).toEqual(['could not finish what a dead run left behind'])
  })

  test('in the same way is logged once by a controller, and for another reason once more', async () => {
    const stage = twoServices()
    const { catalog, engine } = stage.parts
    const container = { id: 'db', name: 'db' }
    catalog.abandonIntent(catalog.addIntent({ kind: 'resume', how: 'start', container, startTimeoutSeconds: 1 }))
    await engine.stop('db', 1, never)
    const reasons = ['the port is taken', 'the port is taken', 'the image is gone']
    engine.start = () => Promise.reject(new Error(reasons.shift()))
    const unfinished = 'could not finish what a dead run left behind'
    expect(await recoverLogged(stage, 3)).toEqual([unfinished, unfinished])
  })

  test('in the local repository concerns no other one, which the next copy sweeps', async () => {
    const stage = twoServices()
    let swept = 0
    const remote = { ...stage.local, sweep: async () => void swept++ }
    stage.local = { ...stage.local, sweep: () => Promise.reject(new Error('no such disk')) }
    const repositories = new Map([...stage.parts.repositories, ['remote' as const, remote] as const])
    await expect(recover({ ...stage.parts, repositories }, never)).rejects.toThrow('no such disk')
    expect(swept).toBe(0)
    await replicate({ ...stage.parts, repositories }, never)
    expect(swept).toBe(1)
  })

  test('in a repository is logged once by a controller, however often it tries', async () => {
    const stage = twoServices()
    stage.local = { ...stage.local, sweep: () => Promise.reject(new Error('no such disk')) }
    expect(await recoverLogged(stage, 2)).toEqual(['recovery failed'])
  })
})

/** The command works on the stage, and its patience is a hundred times as short. */
function surroundings({ parts }: JobStage, local: Repository) {
  const { engine, catalog, clock } = parts
  const impatient = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / 100, signal) }
  return { engine, catalog, local, clock: impatient }
}
