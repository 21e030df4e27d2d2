import { describe, expect, test } from 'vitest'
import type { Run, ScheduleState } from '../../../src/catalog/catalog.ts'
import { BackupError } from '../../../src/errors.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import type { ObservedRepository, ObservedState, SnapshotSummary } from '../../../src/report/observe.ts'
import { meetsObjectives, reportStatus } from '../../../src/report/status.ts'
import type { KnownDamage } from '../../../src/repository/known-damage.ts'
import { container, enabled, methods, settings, volume } from '../plan/build.ts'

/** A stack with the target shop/db, observed at noon. */
function observe(labels: Record<string, string> = {}, more: Partial<ObservedState> = {}): ObservedState {
  const db = container('db', { labels: enabled(labels), mounts: [volume('db', '/data')] })
  return {
    now: new Date('2026-08-02T12:00:00.000Z'),
    plan: makePlan([db], settings, methods),
    schedules: new Map(),
    runs: new Map(),
    drills: new Map(),
    locked: new Set(),
    damaged: new Set(),
    leftovers: [],
    unfinished: [],
    repositories: [],
    ...more,
  }
}

const snapshot = (time: string, more: Partial<SnapshotSummary> = {}): SnapshotSummary => ({
  id: time,
  project: 'shop',
  target: 'db',
  time,
  reason: 'schedule',
  bytes: 2000,
  storedBytes: 1000,
  items: 1,
  ...more,
})

const local = (...snapshots: SnapshotSummary[]): ObservedRepository[] => [
  { tier: 'local', url: 'archive:/backups', snapshots, damaged: [] },
]

const statusOf = (observed: ObservedState) => reportStatus(observed).targets[0]

describe('the last success of a target', () => {
  test('is its newest snapshot, and the age is measured against the objective', () => {
    const repositories = local(snapshot('2026-08-01T02:00:00.000Z'), snapshot('2026-08-02T02:00:00.000Z'))
    expect(statusOf(observe({}, { repositories }))).toMatchObject({
      lastSuccess: '2026-08-02T02:00:00.000Z',
      ageSeconds: 36_000,
      rpoSeconds: 86_400,
      rpoMet: true,
    })
  })

  test('is found in whichever tier holds the newest snapshot', () => {
    const remote: ObservedRepository = {
      tier: 'remote',
      url: 'restic:x',
      snapshots: [snapshot('2026-08-01T02:00:00.000Z')],
      damaged: [],
    }
    const repositories = [...local(snapshot('2026-08-02T02:00:00.000Z')), remote]
    expect(statusOf(observe({}, { repositories }))?.lastSuccess).toBe('2026-08-02T02:00:00.000Z')
  })

  test('is not a snapshot of another target, nor the safety snapshot of a restore', () => {
    const repositories = local(
      snapshot('2026-08-02T02:00:00.000Z', { target: 'other' }),
      snapshot('2026-08-02T03:00:00.000Z', { project: 'blog' }),
      snapshot('2026-08-02T04:00:00.000Z', { reason: 'safety' }),
    )
    expect(statusOf(observe({}, { repositories }))).toMatchObject({
      lastSuccess: null,
      ageSeconds: null,
      rpoMet: false,
    })
  })

  test('a moment in the future, after the clock was set back a little, has no age', () => {
    const repositories = local(snapshot('2026-08-02T12:01:00.000Z'))
    expect(statusOf(observe({}, { repositories }))).toMatchObject({ ageSeconds: 0, rpoMet: true, problems: [] })
  })

  test('is none of a wrong clock: that one meets no objective and is a problem', () => {
    const future = snapshot('2036-01-01T00:00:00.000Z')
    const alone = observe({}, { repositories: local(future) })
    expect(statusOf(alone)).toMatchObject({ lastSuccess: null, rpoMet: false })
    const report = reportStatus(observe({}, { repositories: local(snapshot('2026-08-02T02:00:00.000Z'), future) }))
    expect(report.targets[0]).toMatchObject({ lastSuccess: '2026-08-02T02:00:00.000Z', rpoMet: true })
    expect(report.problems).toEqual([
      {
        project: 'shop',
        container: 'shop-db-1',
        target: 'db',
        label: '',
        value: '',
        reason:
          'snapshot 2036-01-01T00:00:00.000Z is dated in the future by a wrong clock: it counts as no backup, and is restored by its id only',
      },
    ])
    expect(report.targets[0]?.problems).toEqual(report.problems)
    expect(meetsObjectives(report)).toBe(false)
  })
})

describe('a backup that is known to be damaged', () => {
  const known = (time: string): KnownDamage => ({
    ...{ id: time, project: 'shop', target: 'db', found: '2026-08-02T11:00:00.000Z', depth: 'bytes' as const },
    files: [{ file: 'dump.zst', reason: 'is missing' }],
  })
  const [old, newest] = ['2026-08-01T14:00:00.000Z', '2026-08-02T02:00:00.000Z'] as const
  const damaged = snapshot(newest, { damaged: known(newest) })

  test('is no success, and as the newest one it is a problem with a hint', () => {
    const report = reportStatus(observe({}, { repositories: local(snapshot(old), damaged) }))
    expect(report.targets[0]).toMatchObject({ lastSuccess: old, rpoMet: true, damaged: newest })
    expect(report.problems).toMatchObject([
      {
        reason: `the newest snapshot ${newest} is damaged and counts as no backup: dump.zst is missing`,
        hint: expect.stringContaining('xnai-backup backup shop/db'),
      },
    ])
    expect(meetsObjectives(report)).toBe(false)
  })

  test('leaves a target without any success where no other one is there', () => {
    expect(statusOf(observe({}, { repositories: local(damaged) }))).toMatchObject({ lastSuccess: null, rpoMet: false })
  })

  test('is no problem before a newer whole one, as a safety snapshot, or where another tier has a whole copy', () => {
    const older = snapshot(old, { damaged: known(old) })
    const safety = snapshot('2026-08-02T10:00:00.000Z', { damaged: known(newest), reason: 'safety' })
    const remote = { tier: 'remote' as const, url: 'restic:x', snapshots: [snapshot(newest)], damaged: [] }
    for (const repositories of [local(older, snapshot(newest), safety), [...local(damaged), remote]])
      expect(statusOf(observe({}, { repositories }))).toMatchObject({
        lastSuccess: newest,
        damaged: null,
        problems: [],
      })
  })

  test('is one too where its description cannot be read, so that it is not listed', () => {
    const [repository] = local(snapshot(old))
    const unreadable = (id: string) =>
      statusOf(observe({}, { repositories: [{ ...repository, damaged: [known(id)] } as ObservedRepository] }))?.damaged
    expect(unreadable(newest)).toBe(newest)
    expect(unreadable('2026-07-01T02:00:00.000Z')).toBeNull()
  })

  test('is not looked for in a repository that could not be listed', () => {
    const [repository] = local()
    const away = { ...repository, damaged: [known(old)], error: new BackupError('REPOSITORY_EMPTY', 'gone') }
    const report = reportStatus(observe({}, { repositories: [away as ObservedRepository] }))
    expect(report.targets[0]).toMatchObject({ damaged: null, problems: [] })
    expect(report.repositories[0]?.damaged).toMatchObject([{ id: old }])
  })

  test('does not meet the objective of data that has not changed since', () => {
    const same = { capturedFingerprint: 'one', seenFingerprint: 'one', seenAt: '2026-08-02T11:59:00.000Z' }
    const more = { repositories: local(snapshot('2026-07-01T02:00:00.000Z'), damaged) }
    const schedules = new Map([['shop/db', same]])
    expect(statusOf(observe({ schedule: 'on-change' }, { ...more, schedules }))?.rpoMet).toBe(false)
  })
})

describe('the last run of a target', () => {
  const repositories = local(snapshot('2026-08-02T02:00:00.000Z'))
  const error = { code: 'DUMP_FAILED', message: 'pg_dump: exit code 1', hint: 'Look at the server.' } as const
  const ended = (hour: string, more: Partial<Run> = {}): Run => ({
    ...{ id: `run-${hour}`, kind: 'backup', project: 'shop', target: 'db', outcome: 'complete' },
    ...{ started: `2026-08-02T${hour}:00:00.000Z`, finished: `2026-08-02T${hour}:05:00.000Z` },
    ...more,
  })
  const report = (...runs: Run[]) => reportStatus(observe({}, { repositories, runs: new Map([['shop/db', runs]]) }))

  test('that failed is told with its reason, and the objectives are not met although the snapshot is young', () => {
    const status = report(ended('11', { outcome: 'failed', error }), ended('02'))
    const time = '2026-08-02T11:05:00.000Z'
    expect(status.targets[0]?.lastRun).toEqual({ run: 'run-11', kind: 'backup', outcome: 'failed', time, error })
    expect(status.targets[0]?.rpoMet).toBe(true)
    expect(meetsObjectives(status)).toBe(false)
  })

  test('that is complete clears an earlier failure', () => {
    const status = report(ended('11'), ended('02', { outcome: 'failed', error }))
    expect(status.targets[0]?.lastRun).toMatchObject({ run: 'run-11', outcome: 'complete' })
    expect(meetsObjectives(status)).toBe(true)
  })

  test('is neither one that goes on, nor one that was refused as busy, nor one of a wrong clock', () => {
    const { finished: _, outcome: __, ...running } = ended('11')
    const busy = ended('10', { outcome: 'failed', error: { ...error, code: 'BUSY' } })
    const future = ended('09', { outcome: 'failed', error, finished: '2036-01-01T00:00:00.000Z' })
    expect(report(running, busy, future, ended('02')).targets[0]?.lastRun).toMatchObject({ run: 'run-02' })
    expect(report(running).targets[0]?.lastRun).toBeNull()
  })
})

describe('an on-change target whose snapshot is older than the objective', () => {
  const repositories = local(snapshot('2026-07-01T02:00:00.000Z'))
  const statusWith = (state: ScheduleState, schedule = 'on-change') =>
    statusOf(observe({ schedule }, { repositories, schedules: new Map([['shop/db', state]]) }))

  const same = { capturedFingerprint: 'one', seenFingerprint: 'one', seenAt: '2026-08-02T11:59:00.000Z' }

  test('meets it while the data is the captured one', () => {
    expect(statusWith(same)?.rpoMet).toBe(true)
  })

  test('misses it when the data has changed or was never seen', () => {
    expect(statusWith({ ...same, seenFingerprint: 'two' })?.rpoMet).toBe(false)
    expect(statusWith({})?.rpoMet).toBe(false)
  })

  test('misses it when nobody has seen the data for longer than the objective', () => {
    expect(statusWith({ ...same, seenAt: '2026-08-01T12:00:00.000Z' })?.rpoMet).toBe(true)
    expect(statusWith({ ...same, seenAt: '2026-08-01T11:59:59.000Z' })?.rpoMet).toBe(false)
    expect(statusWith({ capturedFingerprint: 'one', seenFingerprint: 'one' })?.rpoMet).toBe(false)
  })

  test('waits while a change is not captured, and says how long at most', () => {
    const state = { ...same, changedSince: '2026-08-02T11:00:00.000Z', seenSince: '2026-08-02T11:59:58.000Z' }
    expect(statusWith(state)?.waiting).toEqual({
      lastChange: '2026-08-02T11:59:58.000Z',
      lastChangeSeconds: 2,
      atLatest: '2026-08-03T11:00:00.000Z',
    })
    expect(statusWith(same)?.waiting).toBeNull()
    expect(statusWith(state, 'manual')?.waiting).toBeNull()
  })

  test('misses it when the time of the last walk is that of a wrong clock', () => {
    expect(statusWith({ ...same, seenAt: '2036-01-01T00:00:00.000Z' })?.rpoMet).toBe(false)
  })

  test('misses it with a schedule, even though the data is the same', () => {
    expect(statusWith(same, '@daily')?.rpoMet).toBe(false)
  })
})

test('a target is running while a run of any process holds its lock', () => {
  expect(statusOf(observe({}, { locked: new Set(['shop/db']) }))?.running).toBe(true)
  expect(statusOf(observe({}, { locked: new Set(['shop/other']) }))?.running).toBe(false)
})

test('a broken target is reported with its problems and without values', () => {
  const report = reportStatus(observe({ paths: '/nowhere' }))
  expect(report.targets).toMatchObject([{ target: 'db', container: 'shop-db-1', method: null, rpoMet: null }])
  expect(report.targets[0]?.problems).toEqual(report.problems)
  expect(report.problems).not.toEqual([])
})

const unknownRoom = { keyConfirmed: null, freeBytes: null, replication: null, problems: [] }

describe('a repository that fills up', () => {
  /** The newest backup of the one target is stored in 1000 bytes. */
  const stored = [
    snapshot('2026-08-01T02:00:00.000Z', { storedBytes: 5000 }),
    snapshot('2026-08-02T02:00:00.000Z'),
    snapshot('2026-08-02T03:00:00.000Z', { reason: 'safety', storedBytes: 9000 }),
    snapshot('2026-08-02T04:00:00.000Z', { target: 'gone', storedBytes: 9000 }),
  ]
  const withFree = (freeBytes: number) => {
    const [one] = local(...stored) as [ObservedRepository]
    return reportStatus(observe({}, { repositories: [{ ...one, freeBytes }] }))
  }

  test('is a problem before the room for two more backups of every target is gone', () => {
    expect(withFree(2000).repositories[0]).toMatchObject({ ok: true, freeBytes: 2000, problems: [] })
    expect(meetsObjectives(withFree(2000))).toBe(true)
    const report = withFree(1999)
    expect(report.repositories[0]?.problems).toEqual([
      {
        code: 'NO_SPACE',
        message:
          'the local repository is nearly full: 1999 bytes are free, and two more backups of all targets need about 2000',
        hint: expect.stringContaining('Nothing is removed before its time'),
      },
    ])
    expect(meetsObjectives(report)).toBe(false)
  })

  test('is not judged while it holds no backup', () => {
    const repositories: ObservedRepository[] = [
      { tier: 'local', url: 'archive:/backups', snapshots: [], damaged: [], freeBytes: 0 },
    ]
    expect(reportStatus(observe({}, { repositories })).repositories[0]?.problems).toEqual([])
  })
})

test('a removal of old snapshots that failed misses the objectives, until one succeeds', () => {
  const repositories = local(snapshot('2026-08-02T02:00:00.000Z'))
  const end = { time: '2026-08-02T04:00:00.000Z', removed: 0, freedBytes: 0 }
  const report = (outcome: 'complete' | 'incomplete' | 'failed') =>
    reportStatus(observe({}, { repositories, pruned: { ...end, outcome } }))
  expect(report('failed').prune).toEqual({ ...end, outcome: 'failed' })
  const outcomes = ['complete', 'incomplete', 'failed'] as const
  expect(outcomes.map((outcome) => meetsObjectives(report(outcome)))).toEqual([true, false, false])
  expect(reportStatus(observe({}, { repositories })).prune).toBeNull()
})

describe('a repository', () => {
  test('is reported with the number and the size of its snapshots', () => {
    const repositories = local(snapshot('2026-08-01T02:00:00.000Z'), snapshot('2026-08-02T02:00:00.000Z'))
    expect(reportStatus(observe({}, { repositories })).repositories).toEqual([
      {
        tier: 'local',
        url: 'archive:/backups',
        ok: true,
        snapshots: 2,
        storedBytes: 2000,
        damaged: [],
        ...unknownRoom,
      },
    ])
  })

  test('that could not be listed is reported with its error', () => {
    const error = new BackupError('REPOSITORY_UNREACHABLE', '/backups: no such directory')
    const repositories = [{ tier: 'local' as const, url: 'archive:/backups', snapshots: [], damaged: [], error }]
    expect(reportStatus(observe({}, { repositories })).repositories).toEqual([
      {
        tier: 'local',
        url: 'archive:/backups',
        ok: false,
        snapshots: 0,
        storedBytes: 0,
        damaged: [],
        ...unknownRoom,
        error: { code: 'REPOSITORY_UNREACHABLE', message: '/backups: no such directory', hint: error.hint },
      },
    ])
  })
})

describe('the objectives', () => {
  const fresh = local(snapshot('2026-08-02T02:00:00.000Z'))
  const isMet = (labels: Record<string, string>, repositories: ObservedRepository[]) =>
    meetsObjectives(reportStatus(observe(labels, { repositories })))

  test('are met when every target is backed up and every repository answers', () => {
    expect(isMet({}, fresh)).toBe(true)
  })

  test('are missed when a snapshot is too old, a label has a problem or a repository cannot be listed', () => {
    const error = new BackupError('REPOSITORY_UNREACHABLE', 'gone')
    expect(isMet({}, local(snapshot('2026-07-01T02:00:00.000Z')))).toBe(false)
    expect(isMet({ paths: '/nowhere' }, fresh)).toBe(false)
    expect(isMet({}, [...fresh, { tier: 'remote', url: 'restic:x', snapshots: [], damaged: [], error }])).toBe(false)
  })
})
