import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { type Jobs, realJobs } from '../../../src/controller/jobs.ts'
import { runController } from '../../../src/controller/loop.ts'
import { BackupError } from '../../../src/errors.ts'
import type { Parts } from '../../../src/job/job.ts'
import { prune } from '../../../src/job/prune.ts'
import type { Repository, Snapshot, Tier } from '../../../src/repository/repository.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { shelf, snapshot } from '../../support/cli.ts'
import { methods, settings } from '../plan/build.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { service } from './launch.ts'

const hour = 3600
/** Nights in which the machine is off until nine in the morning, and days in which it does not run at all. */
const lateDays = [5, 12, 13, 26]
const offDays = [8, 17, 18, 19]

/** Days on which the remote repository does not answer. */
const awayDays = [10, 11, 12, 13, 14]

/** A repository elsewhere, which takes what is copied. */
function remoteShelf(clock: FakeClock): Repository {
  let copies: Snapshot[] = []
  const ask = async () => {
    if (awayDays.includes(clock.now().getUTCDate())) throw new BackupError('REPOSITORY_UNREACHABLE', 'no answer')
    return 'the other one'
  }
  return shelf([], {
    url: 'archive:/remote',
    identity: ask,
    list: async () => {
      await ask()
      return [...copies]
    },
    remove: async (ids) => {
      copies = copies.filter(({ id }) => !ids.includes(id))
    },
    copyFrom: async (_other, snapshots) => {
      await ask()
      copies.push(...snapshots)
    },
  })
}

/** A machine that sleeps between its nights, with the real controller, catalog and removal; backups only leave a snapshot. */
function machine(labels: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'thirty-days-'))
  const catalog = openCatalog(folder)
  onTestFinished(() => {
    catalog[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  })
  const clock = fakeClock('2026-09-01T00:00:00Z')
  let stored: Snapshot[] = []
  const remove: Repository['remove'] = async (ids) => {
    stored = stored.filter(({ id }) => !ids.includes(id))
  }
  const local = shelf([], { list: async () => [...stored], remove })
  const remote = remoteShelf(clock)
  const parts: Parts = {
    engine: fakeEngine({ containers: [service('db', labels)] }),
    catalog,
    clock,
    methods,
    settings,
    log: pino({ level: 'silent' }),
    repositories: new Map<Tier, Repository>([
      ['local', local],
      ['remote', remote],
    ]),
    ownPath: (path: string) => path,
  } as unknown as Parts
  const backup: Jobs['backup'] = async ([target]) => {
    const time = clock.now().toISOString()
    const [project, name, id] = [target?.project ?? '', target?.name ?? '', `run-${time}`]
    catalog.startRun({ id, kind: 'backup', trigger: 'schedule', project, target: name, started: time })
    const taken = snapshot(name, time)
    stored.push(taken)
    catalog.finishRun(id, project, name, { finished: time, outcome: 'complete', snapshot: taken.id })
    const nothing = { seconds: 0, downtimeSeconds: 0, stopped: [], heldSeconds: {}, warnings: [] }
    return [{ project, target: name, method: 'files', outcome: 'complete', ...nothing }]
  }
  /** The controller runs for some minutes, and ends with the machine. */
  const runUntil = async (at: Date) => {
    const ended = new AbortController()
    const options = {
      concurrency: 2,
      jobs: { ...realJobs(parts), backup },
      ticks: () => ({ [Symbol.dispose]: () => {} }),
    }
    const settled = runController(parts, options, ended.signal)
    await clock.advance((at.getTime() - clock.now().getTime()) / 1000)
    ended.abort()
    await clock.advance(0)
    await settled
  }
  const sleepUntil = (at: Date) => clock.advance((at.getTime() - clock.now().getTime()) / 1000)
  return { parts, runUntil, sleepUntil }
}

const at = (day: number, time: string) => new Date(Date.parse(`2026-09-01T${time}:00Z`) + (day - 1) * 24 * hour * 1000)

test('thirty days of a machine that is off in some nights, and of a remote repository that is away for five days, end in the snapshots that the golden file names', async () => {
  const policies = { 'retention.local': 'daily=7d,weekly=21d', 'retention.remote': 'daily=10d,weekly=90d' }
  const { parts, runUntil, sleepUntil } = machine({ schedule: '0 2 * * *', ...policies })
  await runUntil(at(1, '00:03'))
  for (let day = 1; day <= 30; day++) {
    if (offDays.includes(day)) continue
    const spans = lateDays.includes(day)
      ? [['09:00', '09:06']]
      : [
          ['01:59', '02:03'],
          ['03:59', '04:03'],
        ]
    for (const [from = '', to = ''] of spans) {
      await sleepUntil(at(day, from))
      await runUntil(at(day, to))
    }
  }
  const tiers: Tier[] = ['local', 'remote']
  const pruned = await prune(parts, { tiers, all: false, dryRun: true }, new AbortController().signal)
  expect(pruned.flatMap(({ remove, error }) => [...remove, ...(error ? [error] : [])])).toEqual([])
  const lines = pruned.flatMap(({ tier, keep }) =>
    keep.map(({ snapshot: { time }, reasons }) => `${tier} ${time}: ${reasons.join('; ')}\n`),
  )
  await expect(lines.join('')).toMatchFileSnapshot('thirty-days.golden.txt')
})
