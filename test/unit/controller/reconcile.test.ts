import { describe, expect, test } from 'vitest'
import type { Run, ScheduleState } from '../../../src/catalog/catalog.ts'
import { type Action, reconcile } from '../../../src/controller/reconcile.ts'
import type { Observation } from '../../../src/controller/watch.ts'
import type { ContainerState } from '../../../src/engine/engine.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { container, enabled, methods, settings, volume } from '../plan/build.ts'

const mounts = [volume('data', '/data')]
const planOf = (labels: Record<string, string>, state: ContainerState = 'running') =>
  makePlan([container('db', { labels: enabled(labels), mounts, state })], settings, methods)

const at = (time: string): string => `2026-08-02T${time}:00.000Z`
const failed = (finished: string, started = finished): Run => ({
  id: started,
  kind: 'backup',
  project: 'shop',
  target: 'db',
  started: at(started),
  finished: at(finished),
  outcome: 'failed',
})
const failures = (...times: string[]): Run[] => times.map((time) => failed(time))
const cancelled = (finished: string, started = finished): Run => ({
  ...failed(finished, started),
  error: { code: 'CANCELLED', message: '', hint: '' },
})
const done = (finished: string): Run => ({ ...failed(finished), outcome: 'complete' })
const killed = (started: string): Run => {
  const { finished, ...run } = failed(started)
  return run
}

interface Row {
  sentence: string
  now: string
  labels?: Record<string, string>
  state?: ScheduleState
  runs?: Run[]
  observation?: Observation | Error
  active?: boolean
  locked?: boolean
  backedOff?: boolean
  created?: boolean
  damaged?: boolean
  /** Cause and reason of the one action; absent: none. */
  action?: string
}

function decide({
  now,
  labels = {},
  state = {},
  runs = [],
  observation,
  active,
  locked,
  backedOff,
  created,
  damaged,
}: Row): Action[] {
  const key = 'shop/db'
  return reconcile({
    plan: planOf(labels, created ? 'created' : 'running'),
    schedules: new Map([[key, state]]),
    runs: new Map([[key, runs]]),
    drills: new Map(),
    active: new Set(active ? [key] : []),
    locked: new Set(locked ? [key] : []),
    damaged: new Set(damaged ? [key] : []),
    leftovers: [],
    unfinished: [],
    backedOff: new Set(backedOff ? [key] : []),
    observations: new Map(observation ? [[key, observation]] : []),
    now: new Date(at(now)),
  })
}

const summary = (actions: Action[]) => actions.map(({ cause, reason }) => `${cause}: ${reason}`)

describe('a schedule (daily at 02:00)', () => {
  const state = { firstSeen: '2026-07-01T00:00:00.000Z', lastSlot: '2026-08-01T02:00:00.000Z' }
  const slot = 'slot 2026-08-02T02:00:00.000Z'
  const rows: Row[] = [
    { sentence: 'runs its slot', now: '02:00', action: `schedule: ${slot} has come` },
    { sentence: 'runs a missed slot', now: '09:00', action: `schedule: ${slot} was missed` },
    { sentence: 'does nothing once the slot was run', now: '09:00', state: { ...state, lastSlot: at('02:00') } },
    { sentence: 'does not begin while the target is queued or running', now: '02:00', active: true },
    { sentence: 'does not begin while another process works on the target', now: '02:00', locked: true },
    { sentence: 'does not begin while the target is backed off', now: '02:00', backedOff: true },
    { sentence: 'does not begin before the container was ever started', now: '02:00', created: true },
    { sentence: 'waits a minute after a failure', now: '02:10', runs: [failed('02:10')] },
    {
      sentence: 'tries again a minute after a failure',
      now: '02:11',
      runs: [failed('02:10')],
      action: `schedule: ${slot} was missed, attempt 2 of 4`,
    },
    { sentence: 'waits five minutes after the second failure', now: '02:19', runs: failures('02:15', '02:10') },
    {
      sentence: 'waits a quarter of an hour after the third failure',
      now: '02:44',
      runs: failures('02:30', '02:15', '02:10'),
    },
    {
      sentence: 'tries a last time after a quarter of an hour',
      now: '02:45',
      runs: failures('02:30', '02:15', '02:10'),
      action: `schedule: ${slot} was missed, attempt 4 of 4`,
    },
    {
      sentence: 'gives the slot up after four failures',
      now: '23:00',
      runs: failures('02:50', '02:30', '02:15', '02:10'),
    },
    {
      sentence: 'does not count failures before the slot',
      now: '02:00',
      runs: failures('01:30', '01:20', '01:10', '01:00'),
      action: `schedule: ${slot} has come`,
    },
    {
      sentence: 'does not count failures before a success',
      now: '02:31',
      runs: [failed('02:30'), done('02:20'), failed('02:15'), failed('02:10')],
      action: `schedule: ${slot} was missed, attempt 2 of 4`,
    },
    {
      sentence: 'repeats the slot after a crash in mid-run',
      now: '02:02',
      runs: [{ ...killed('02:00'), outcome: 'failed' }],
      action: `schedule: ${slot} has come, attempt 2 of 4`,
    },
    {
      sentence: 'does not wait for an end in the future',
      now: '02:05',
      runs: [failed('02:30')],
      action: `schedule: ${slot} was missed, attempt 2 of 4`,
    },
    { sentence: 'gives up a slot whose run was cancelled', now: '09:00', runs: [cancelled('02:30', '02:00')] },
    { sentence: 'has no slots when it is manual', now: '02:00', labels: { schedule: 'manual' } },
    { sentence: 'does nothing for a broken target', now: '02:00', labels: { paths: '/nowhere' } },
  ]
  test.each(rows)('$sentence', (row) => {
    const actions = decide({ state, ...row })
    expect(summary(actions)).toEqual(row.action === undefined ? [] : [row.action])
    for (const { targets } of actions)
      expect(targets).toMatchObject([{ target: { name: 'db' }, onSuccess: { lastSlot: at('02:00') } }])
  })
})

describe('on-change (settle 1m)', () => {
  const observation = (since: string, seen: string, fingerprint = 'new'): Observation => ({
    fingerprint,
    since: new Date(at(since)),
    seen: new Date(at(seen)),
  })
  const still = observation('08:00', '08:01')
  const state = { firstSeen: at('00:00'), capturedFingerprint: 'old' }
  const changed = 'change: the data has changed and is still since 2026-08-02T08:00:00.000Z'
  const rows: Row[] = [
    { sentence: 'captures a change that has settled', now: '08:01', observation: still, action: changed },
    {
      sentence: 'captures unchanged data again where the newest snapshot is damaged',
      now: '08:01',
      observation: still,
      state: { ...state, capturedFingerprint: 'new' },
      damaged: true,
      action: 'change: the newest snapshot is damaged and is still since 2026-08-02T08:00:00.000Z',
    },
    {
      sentence: 'captures data that was never captured',
      now: '08:01',
      observation: still,
      state: {},
      action: 'change: the data was never captured and is still since 2026-08-02T08:00:00.000Z',
    },
    { sentence: 'waits for a change to settle', now: '08:01', observation: observation('08:00', '08:00') },
    {
      sentence: 'does not count the time since the last walk as stable',
      now: '09:00',
      observation: observation('08:00', '08:00'),
    },
    {
      sentence: 'waits for a change that is never still, up to the longest wait',
      now: '10:59',
      observation: observation('10:59', '10:59'),
      labels: { 'max-wait': '3h' },
      state: { ...state, changedSince: at('08:00') },
    },
    {
      sentence: 'captures a change that is never still after the longest wait',
      now: '11:00',
      observation: observation('11:00', '11:00'),
      labels: { 'max-wait': '3h' },
      state: { ...state, changedSince: at('08:00') },
      action: 'change: the data has changed and has not been still since 2026-08-02T08:00:00.000Z',
    },
    { sentence: 'does nothing without a change', now: '08:01', observation: observation('08:00', '08:01', 'old') },
    { sentence: 'does nothing before the first walk', now: '08:01' },
    { sentence: 'does nothing on data that cannot be read', now: '08:01', observation: new Error('gone') },
    {
      sentence: 'does not begin while the target is queued or running',
      now: '08:01',
      observation: still,
      active: true,
    },
    {
      sentence: 'waits only for the settle time when the last success is hours old',
      now: '14:01',
      observation: still,
      runs: [done('08:00')],
      action: changed,
    },
    {
      sentence: 'waits twice the settle time after a success',
      now: '08:05',
      observation: still,
      runs: [done('08:04')],
    },
    {
      sentence: 'goes on after twice the settle time',
      now: '08:06',
      observation: still,
      runs: [done('08:04')],
      action: changed,
    },
    {
      sentence: 'goes on after an hour, however many successes there were',
      now: '09:04',
      observation: still,
      runs: Array<Run>(20).fill(done('08:04')),
      action: changed,
    },
    {
      sentence: 'waits that hour out after many successes',
      now: '09:03',
      observation: still,
      runs: Array<Run>(20).fill(done('08:04')),
    },
    {
      sentence: 'tries again a minute after a failure',
      now: '08:06',
      observation: still,
      runs: [failed('08:05')],
      action: changed,
    },
    {
      sentence: 'waits an hour after a run that was cancelled',
      now: '09:04',
      observation: still,
      runs: [cancelled('08:05')],
    },
    {
      sentence: 'goes on an hour after a run that was cancelled',
      now: '09:06',
      observation: still,
      runs: [cancelled('08:05')],
      action: changed,
    },
    {
      sentence: 'waits an hour after many failures',
      now: '09:04',
      observation: still,
      runs: Array<Run>(9).fill(failed('08:05')),
    },
    {
      sentence: 'tries again after that hour, without giving up',
      now: '09:05',
      observation: still,
      runs: Array<Run>(9).fill(failed('08:05')),
      action: changed,
    },
  ]
  test.each(rows)('$sentence', (row) => {
    const actions = decide({ state, ...row, labels: { schedule: 'on-change', ...row.labels } })
    expect(summary(actions)).toEqual(row.action === undefined ? [] : [row.action])
    for (const { targets } of actions) expect(targets).toMatchObject([{ onSuccess: { capturedFingerprint: 'new' } }])
  })
})
