import { expect, test } from 'vitest'
import type { Target } from '../../../src/plan/plan.ts'
import type { ObservedState } from '../../../src/report/observe.ts'
import { reportReplication } from '../../../src/report/replication.ts'

const summary = (id: string, time: string) => ({
  ...{ id, project: 'shop', target: 'db', time, reason: 'schedule', storedBytes: 1 },
})
const target = {
  ...{ project: 'shop', name: 'db', timezone: 'UTC', rpoSeconds: 86_400 },
  retention: { local: {}, remote: { daily: 30 * 86_400 } },
} as unknown as Target

const report = (local: object[], remote: object, now: string) =>
  reportReplication({
    ...{ plan: { targets: [target] }, runs: new Map(), now: new Date(now) },
    repositories: [
      { tier: 'local', url: 'archive:/b', snapshots: local, damaged: [] },
      { tier: 'remote', url: 'archive:/r', snapshots: [], damaged: [], ...remote },
    ],
    replicated: { time: now, outcome: 'failed', copied: 0, error: { code: 'TIMEOUT', message: 'no answer', hint: '' } },
  } as unknown as ObservedState)

const local = [summary('a', '2026-11-18T02:00:00.000Z'), summary('b', '2026-11-19T02:00:00.000Z')]

test('what waits for longer than the objective of its target is a problem that says why', () => {
  expect(report(local.slice(1), {}, '2026-11-19T12:00:00Z')).toMatchObject({ report: { waiting: 1 }, problems: [] })
  const late = report(local, {}, '2026-11-19T12:00:00Z')
  expect(late?.report).toMatchObject({ waiting: 2, since: '2026-11-18T02:00:00.000Z' })
  expect(late?.problems).toMatchObject([
    { code: 'REPLICATION_LATE', message: expect.stringMatching(/^shop\/db: 2 snapshots have waited .*: no answer$/) },
  ])
})

test('a repository that is away is judged by what it held last', () => {
  const away = { error: new Error('away'), known: [local[0]] }
  expect(report(local, away, '2026-11-19T12:00:00Z')).toMatchObject({ report: { waiting: 1 }, problems: [] })
})
