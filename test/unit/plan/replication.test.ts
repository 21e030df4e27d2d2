import { describe, expect, test } from 'vitest'
import type { RetentionPolicy } from '../../../src/labels/spec.ts'
import { type Copyable, waitingForRemote } from '../../../src/plan/replication.ts'

const day = 86_400
const now = new Date('2026-11-20T12:00:00Z')

const taken = (time: string, more: Partial<Copyable> = {}): Copyable => ({
  id: time,
  project: 'shop',
  target: 'db',
  time: `${time}T02:00:00.000Z`,
  reason: 'schedule',
  ...more,
})

const waiting = (policy: RetentionPolicy, local: Copyable[], remote: Copyable[] = [], target = 'db') =>
  waitingForRemote({
    targets: [{ project: 'shop', name: target, timezone: 'UTC', retention: { local: {}, remote: policy } }],
    ...{ local, remote, now },
    latestOf: () => undefined,
  }).map(({ id }) => id)

describe('what has still to be copied to the remote repository', () => {
  const week = ['2026-11-10', '2026-11-13', '2026-11-17', '2026-11-19', '2026-11-20'].map((time) => taken(time))

  test('is what its policy would keep there, the newest first', () => {
    expect(waiting({ weekly: 90 * day }, week)).toEqual(['2026-11-20', '2026-11-13'])
    expect(waiting({ daily: 3 * day }, week)).toEqual(['2026-11-20', '2026-11-19'])
  })

  test('leaves out what is there, and what something there takes the place of', () => {
    expect(waiting({ weekly: 90 * day }, week, [taken('2026-11-20')])).toEqual(['2026-11-13'])
    expect(waiting({ weekly: 90 * day }, week.slice(0, 3), [taken('2026-11-18')])).toEqual(['2026-11-13'])
  })

  test('is the newest one, however old it is, and nothing for the sake of no rule', () => {
    const old = [taken('2025-01-01'), taken('2025-01-02')]
    expect(waiting({ daily: 7 * day }, old)).toEqual(['2025-01-02'])
  })

  test('is no safety snapshot, none that is damaged, and none of a target without a policy', () => {
    const own = [taken('2026-11-19', { reason: 'safety' }), taken('2026-11-18', { damaged: {} }), taken('2026-11-17')]
    expect(waiting({ daily: 7 * day }, own)).toEqual(['2026-11-17'])
    expect(waiting({ daily: 7 * day }, own, [], 'other')).toEqual([])
  })
})
