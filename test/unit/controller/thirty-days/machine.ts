import pino from 'pino'
import { expect, onTestFinished } from 'vitest'
import type { Catalog } from '../../../../src/catalog/catalog.ts'
import { openCatalog } from '../../../../src/catalog/sqlite.ts'
import { type Jobs, realJobs } from '../../../../src/controller/jobs.ts'
import { runController } from '../../../../src/controller/loop.ts'
import { createNotifier } from '../../../../src/controller/notifier.ts'
import type { Pass } from '../../../../src/controller/pass.ts'
import { BackupError } from '../../../../src/errors.ts'
import { createLive } from '../../../../src/http/live.ts'
import type { Parts } from '../../../../src/job/job.ts'
import type { MetricsView } from '../../../../src/metrics/view.ts'
import type { NotifyAddress } from '../../../../src/notify/address.ts'
import type { Repository, Snapshot, Tier } from '../../../../src/repository/repository.ts'
import { type FakeContainer, fakeEngine } from '../../../fakes/engine.ts'
import { makeFolder, shelf } from '../../../support/cli.ts'
import { methods, settings } from '../../plan/build.ts'
import { type FakeClock, fakeClock } from '../fake-clock.ts'
import { playJobs } from './jobs.ts'
import { at, isDiskFull, isPowerCut, isRemoteAway } from './month.ts'

/** A machine that sleeps between the spans in which it runs. Its clock is moved by nothing else. */
export interface Machine {
  parts: Parts
  sleepUntil(time: Date): Promise<void>
  /**
   * The controller runs until then, hands over what it tells, and answers what its metrics are made of. It ends by itself, or without a
   * word where the power is cut.
   */
  runUntil(time: Date): Promise<MetricsView>
}

/** The real controller with its real catalog, decisions and notifications. Only the engine, the repositories, backups and drills are played. */
export function startMachine(containers: FakeContainer[], addresses: NotifyAddress[]): Machine {
  const catalog = openCatalog(makeFolder())
  onTestFinished(() => catalog[Symbol.dispose]())
  const clock = fakeClock(at(1, '00:00').toISOString())
  const local = playRepository(catalog, clock, 'local')
  const remote = playRepository(catalog, clock, 'remote')
  const parts = {
    engine: fakeEngine({ containers }),
    catalog,
    clock,
    methods,
    settings: { ...settings, project: 'shop' },
    host: 'machine',
    log: pino({ level: 'silent' }),
    repositories: new Map<Tier, Repository>([
      ['local', local.repository],
      ['remote', remote.repository],
    ]),
    ownPath: (path: string) => path,
  } as unknown as Parts
  const jobs: Jobs = { ...realJobs(parts), ...playJobs(parts, local.store) }
  const ticks = () => ({ [Symbol.dispose]: () => {} })
  const sleepUntil = (time: Date) => clock.advance((time.getTime() - clock.now().getTime()) / 1000)

  const runUntil: Machine['runUntil'] = async (time) => {
    const ended = new AbortController()
    const live = createLive(parts, { scrub: (text) => text, signal: ended.signal })
    const notifier = createNotifier(parts, { addresses, report: live.status }, ended.signal)
    const onPass = (pass: Pass) => {
      live.notePass(pass)
      void notifier.consider(pass)
    }
    const settled = runController(parts, { concurrency: 2, jobs, ticks, onPass }, ended.signal)
    await sleepUntil(time)
    await expect.poll(() => catalog.notices(), { interval: 2, timeout: 60_000 }).toEqual([])
    const metrics = await live.metrics()
    ended.abort()
    await clock.advance(0)
    await settled
    if (!isPowerCut(time)) await notifier.end()
    return metrics
  }
  return { parts, sleepUntil, runUntil }
}

/** A repository that answers as it does in that month. A listing is remembered, as real ones do that. */
function playRepository({ manifests }: Catalog, clock: FakeClock, tier: Tier) {
  const url = `archive:/${tier}`
  let held: Snapshot[] = []
  const store = (...taken: Snapshot[]) => void held.push(...taken)
  const ask = async () => {
    if (tier === 'remote' && isRemoteAway(clock.now())) throw new BackupError('REPOSITORY_UNREACHABLE', 'no answer')
    return `the ${tier} one`
  }
  const repository = shelf([], {
    url,
    identity: ask,
    list: async () => {
      await ask()
      const known = manifests.read(url)
      const fresh = held.filter(({ id }) => !known.has(id))
      const gone = [...known.keys()].filter((id) => held.every((one) => one.id !== id))
      const entries = fresh.map((snapshot) => ({ folder: snapshot.id, identity: snapshot.id, snapshot }))
      if (entries.length + gone.length > 0) manifests.update(url, { entries, gone })
      return [...held]
    },
    remove: async (ids) => {
      held = held.filter(({ id }) => !ids.includes(id))
    },
    copyFrom: async (_other, snapshots) => {
      await ask()
      store(...snapshots)
    },
    freeBytes: async () => (tier === 'local' && isDiskFull(clock.now()) ? 1e6 : 1e9),
  })
  return { repository, store }
}
