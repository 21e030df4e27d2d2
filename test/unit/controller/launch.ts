import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { onTestFinished } from 'vitest'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import type { Jobs } from '../../../src/controller/jobs.ts'
import { runController } from '../../../src/controller/loop.ts'
import type { Pass } from '../../../src/controller/pass.ts'
import { BackupError } from '../../../src/errors.ts'
import type { BackupResult, Parts } from '../../../src/job/job.ts'
import type { Target } from '../../../src/plan/plan.ts'
import { type FakeContainer, fakeEngine } from '../../fakes/engine.ts'
import { enabled, methods, settings, volume } from '../plan/build.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'

/** A container of the project `shop` that is a target of its own. */
export const service = (name: string, labels: Record<string, string> = {}): FakeContainer => ({
  name: `shop-${name}-1`,
  project: 'shop',
  service: name,
  number: 1,
  labels: enabled(labels),
  mounts: [volume(name, '/data')],
})

/** Nothing lies there: the jobs are fakes. Each backup leaves the snapshot `of-RUN`. */
export const repositoryUrl = 'archive:/backups'

/** What a test changes while the controller runs. */
interface World {
  /** How backups end; `throw` means that they leave no record. */
  outcome: BackupResult['outcome'] | 'throw'
  /** How long a backup takes. */
  seconds: number
  /** The fingerprint of the data of every target. */
  data: string
  /** Why the data cannot be walked. */
  walkFailure?: Error | undefined
  /** Why the containers cannot be listed. */
  listFailure?: BackupError | undefined
  /** Why the repository cannot be used; `hangs` means that it does not answer. */
  repositoryFault?: BackupError | 'hangs' | undefined
  /** Why old snapshots cannot be removed. */
  pruneFailure?: BackupError | undefined
  /** How long that takes. */
  pruneSeconds: number
  /** Whether another process drills the targets. */
  drillBusy?: boolean
  /** What a dead run left behind. */
  leftover?: string
  /** How long it takes to finish it. */
  recoverySeconds: number
  /** Why it cannot be finished. */
  recoveryProblem?: string
}

/** What has happened so far. */
interface Journal {
  /** A line for each backup that has begun: day and time, cause, targets. */
  began: string[]
  passes: Pass[]
  /** When each recovery began: day and time. */
  recoveries: string[]
  /** When each removal of old snapshots began: day and time. */
  pruned: string[]
  /** A line for each drill that has begun: day and time, targets. */
  drilled: string[]
  /** The recoveries and listings of the passes. */
  order: ('recover' | 'list')[]
  /** The work that has begun. */
  work: ('backup' | 'prune')[]
  running: number
  /** The largest number of backups that ran at once. */
  mostRunning: number
}

/**
 * Prepares a controller over a fake engine, a fake clock and fake jobs; the catalog is the real one. `start` runs it
 * until the test ends.
 */
export function launch(now: string, containers: FakeContainer[], concurrency = 2) {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-backup-loop-'))
  const catalog = openCatalog(folder)
  onTestFinished(() => {
    catalog[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  })
  const clock = fakeClock(now)
  const engine = fakeEngine({ containers })
  const world: World = { outcome: 'complete', seconds: 0, recoverySeconds: 0, pruneSeconds: 0, data: 'one' }
  const journal: Journal = {
    began: [],
    passes: [],
    recoveries: [],
    pruned: [],
    drilled: [],
    work: [],
    order: [],
    running: 0,
    mostRunning: 0,
  }
  const list: typeof engine.list = async (signal) => {
    journal.order.push('list')
    if (world.listFailure) throw world.listFailure
    return engine.list(signal)
  }
  const parts = {
    engine: { ...engine, list },
    catalog,
    clock,
    repositories: new Map([['local', { url: repositoryUrl }]]),
    methods,
    settings,
    log: pino({ level: 'silent' }),
  }
  let tick = () => {}
  const options = {
    concurrency,
    jobs: fakeJobs(catalog, clock, world, journal),
    onPass: (pass: Pass) => journal.passes.push(pass),
    ticks: (onTick: () => void) => {
      tick = onTick
      return { [Symbol.dispose]: () => {} }
    },
  }
  const start = () => startController(parts as unknown as Parts, options, clock)
  const { began, passes, order, recoveries, pruned, drilled, work } = journal
  const controls = { start, tick: () => tick(), mostRunning: () => journal.mostRunning }
  return { catalog, clock, engine, world, began, passes, order, recoveries, pruned, drilled, work, ...controls }
}

function fakeJobs(catalog: Catalog, clock: FakeClock, world: World, journal: Journal): Jobs {
  const backUp = async ({ project, name }: Target, signal: AbortSignal): Promise<BackupResult> => {
    const id = `run-${journal.began.length}`
    const { seconds } = world
    catalog.startRun({
      id,
      kind: 'backup',
      trigger: 'schedule',
      project,
      target: name,
      started: clock.now().toISOString(),
    })
    await clock.sleep(seconds * 1000, signal).catch(() => {})
    const outcome = signal.aborted || world.outcome === 'throw' ? 'failed' : world.outcome
    const snapshot = outcome === 'failed' ? {} : { snapshot: `of-${id}` }
    catalog.finishRun(id, project, name, { finished: clock.now().toISOString(), outcome, ...snapshot })
    const nothing = { downtimeSeconds: 0, stopped: [], heldSeconds: {}, warnings: [] }
    return { project, target: name, method: 'files', outcome, seconds, ...nothing }
  }
  return {
    async backup(targets, cause, signal) {
      const names = targets.map(({ name }) => name).join('+')
      journal.work.push('backup')
      journal.began.push(`${clock.now().toISOString().slice(8, 16)} ${cause} ${names}`)
      if (world.outcome === 'throw') throw new BackupError('BUSY', 'locked by another process')
      journal.running++
      journal.mostRunning = Math.max(journal.mostRunning, journal.running)
      const results = await Promise.all(targets.map((target) => backUp(target, signal)))
      journal.running--
      return results
    },
    async askRepository() {
      if (world.repositoryFault === 'hangs') await new Promise(() => {})
      else if (world.repositoryFault) throw world.repositoryFault
    },
    leftovers: () => {
      journal.order.push('recover')
      return world.leftover ? [{ ids: [1], what: [world.leftover] }] : []
    },
    async recover(_leftover, signal) {
      journal.recoveries.push(clock.now().toISOString().slice(8, 16))
      await clock.sleep(world.recoverySeconds * 1000, signal)
      return { done: [], problems: world.recoveryProblem ? [world.recoveryProblem] : [], left: [] }
    },
    async prune(signal) {
      journal.work.push('prune')
      journal.pruned.push(clock.now().toISOString().slice(8, 16))
      if (world.pruneFailure) throw world.pruneFailure
      await clock.sleep(world.pruneSeconds * 1000, signal)
      return true
    },
    async drill(targets) {
      const names = targets.map(({ name }) => name).join('+')
      journal.drilled.push(`${clock.now().toISOString().slice(8, 16)} ${names}`)
      if (world.drillBusy) return false
      for (const target of targets) recordDrill(catalog, clock, target, journal.drilled.length)
      return true
    },
    async sweep() {},
    async fingerprint() {
      if (world.walkFailure) throw world.walkFailure
      return world.data
    },
  }
}

/** A drill that verifies the newest snapshot of a target at once. */
function recordDrill(catalog: Catalog, clock: FakeClock, { project, name }: Target, number: number): void {
  const id = `drill-${number}`
  const time = clock.now().toISOString()
  const snapshot = catalog.lastSnapshot(project, name)
  catalog.startRun({ id, kind: 'drill', trigger: 'schedule', project, target: name, started: time })
  const drill = { verdict: 'verified' as const, tier: 'local' as const, rtoSeconds: 7200, checks: [], notTested: [] }
  catalog.finishRun(id, project, name, {
    ...{ finished: time, outcome: 'complete', seconds: 1, drill },
    ...(snapshot !== undefined && { snapshot }),
  })
}

function startController(parts: Parts, options: Parameters<typeof runController>[1], clock: FakeClock) {
  const ended = new AbortController()
  let over = false
  const settled = runController(parts, options, ended.signal).then(() => {
    over = true
  })
  const stop = async () => {
    ended.abort()
    await clock.advance(0)
  }
  onTestFinished(async () => {
    await stop()
    await settled
  })
  return { stop, isOver: () => over }
}
