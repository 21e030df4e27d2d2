import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RetentionPolicy } from '../../../src/labels/spec.ts'
import { periodsIn } from '../../../src/plan/periods.ts'
import { type Dated, type KeepOptions, keep } from '../../../src/plan/retention.ts'
import { isPromised, keptByReference } from './retention-reference.ts'

const day = 86_400
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'America/St_Johns')
const duration = fc.oneof(fc.integer({ min: 1, max: 500 * day }), fc.constantFrom(day, 3 * day, 30 * day, 90 * day))
const policies = fc.record(
  { daily: duration, weekly: duration, monthly: duration, last: fc.integer({ min: 1, max: 10 }) },
  { requiredKeys: [] },
)
const times = fc.date({ min: new Date('2025-06-01'), max: new Date('2026-09-01'), noInvalidDate: true })
const kinds = fc.constantFrom<Partial<Dated>>(
  ...[{}, {}, {}, { reason: 'safety' }, { reason: 'import' }, { damaged: {} }, { damaged: {}, reason: 'safety' }],
)
const snapshots = fc
  .uniqueArray(fc.tuple(times, kinds), { maxLength: 40, selector: ([time]) => Number(time) })
  .map((some) => some.map(([time, kind], index): Dated => ({ id: `s${index}`, time: time.toISOString(), ...kind })))
const id = fc.integer({ min: 0, max: 40 }).map((number) => `s${number}`)
const ids = fc.uniqueArray(id, { maxLength: 5 }).map((some) => new Set(some))
const options = fc.record({ policy: policies, timezone: zones, now: times, verified: ids, pinned: ids, latest: id })

const keptOf = (some: Dated[], how: KeepOptions): Set<string> =>
  new Set(keep(some, how).flatMap(({ snapshot, keep }) => (keep ? [snapshot.id] : [])))

describe('for any snapshots, policy, zone and clock', () => {
  test('what stays is what the reference has stay', () => {
    fc.assert(
      fc.property(snapshots, options, (some, how) => {
        expect(keptOf(some, how)).toEqual(keptByReference(some, how))
      }),
      { numRuns: 300 },
    )
  })

  test('sparing what lies before a pause removes nothing more, and every verdict has a reason', () => {
    fc.assert(
      fc.property(snapshots, options, (some, how) => {
        const spared = { ...how, sparesPause: true }
        expect([...keptByReference(some, how)].filter((one) => !keptOf(some, spared).has(one))).toEqual([])
        const hasRule = Object.keys(how.policy).length > 0
        for (const { reasons } of keep(some, spared)) if (hasRule) expect(reasons).not.toEqual([])
      }),
    )
  })
})

/** One night: the clock moves, a backup is taken or fails, the labels may have another policy, and what is not kept is removed. */
interface Night {
  days: number
  succeeds: boolean
  policy: RetentionPolicy
}

const daysAhead = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1, 1, 1, 2, 3) },
  fc.constantFrom(8, 40, 120, 4000, -1, -40, -4000),
)
const nights: fc.Arbitrary<Night[]> = fc.array(
  fc.record({ days: daysAhead, succeeds: fc.boolean(), policy: policies }),
  { maxLength: 40 },
)

describe('night after night, whatever the clock and the labels do', () => {
  test('the last backup and what the policy promises stay, and a pause costs no more than it has to', () => {
    fc.assert(
      fc.property(nights, zones, (plan, timezone) => {
        const dayOf = periodsIn(timezone)
        let stored: Dated[] = []
        let latest = 'none'
        let nowMs = Date.parse('2026-01-01T02:00:00Z')
        for (const [index, { days, succeeds, policy }] of plan.entries()) {
          nowMs += days * day * 1000
          const now = new Date(nowMs)
          if (succeeds) {
            latest = `s${index}`
            stored.push({ id: latest, time: now.toISOString() })
          }
          const how = { policy, timezone, now, latest, sparesPause: true }
          const kept = keptOf(stored, how)
          const past = stored.filter(({ time }) => Date.parse(time) <= nowMs)
          const promised = past.filter((one) => isPromised(one, past, how))
          for (const one of promised) expect(kept).toContain(one.id)
          if (latest !== 'none') expect(kept).toContain(latest)
          const before = past.filter(({ id }) => id !== `s${index}`).map(({ time }) => Date.parse(time))
          if (nowMs - Math.max(...before) > 7 * day * 1000 && policy.last === undefined) {
            const daysOf = (some: Dated[]) => new Set(some.map(({ time }) => dayOf('daily', time))).size
            expect(daysOf(past.filter((one) => kept.has(one.id)))).toBeGreaterThanOrEqual(Math.min(7, daysOf(past)))
          }
          stored = stored.filter((one) => kept.has(one.id))
        }
      }),
      { numRuns: 200 },
    )
  })
})
