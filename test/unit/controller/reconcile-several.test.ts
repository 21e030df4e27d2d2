import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ScheduleState } from '../../../src/catalog/catalog.ts'
import { type Action, type ReconcileInput, reconcile } from '../../../src/controller/reconcile.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { targetKey } from '../../../src/plan/plan.ts'
import { container, enabled, methods, settings, volume } from '../plan/build.ts'

/** Decisions about several targets at once. `reconcile.test.ts` has those about one. */

const mounts = [volume('data', '/data')]

test('in any state, nothing begins for a broken, active, locked or backed-off target, and no target begins twice', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const schedules = fc.constantFrom('* * * * *', '@hourly', '0 2 * * *', 'on-change', 'manual', 'nonsense')
  const some = fc.subarray(names).map((chosen) => new Set(chosen.map((name) => `shop/${name}`)))
  const times = fc.date({ min: new Date('2026-07-01'), max: new Date('2026-09-01'), noInvalidDate: true })
  const states = fc.record({ firstSeen: times, lastSlot: times }, { requiredKeys: [] })
  const observations = fc.record({ fingerprint: fc.constantFrom('x', 'y'), since: times, seen: times })
  const each = <T>(one: fc.Arbitrary<T>) => fc.tuple(one, one, one, one, one)
  const perTarget = <T>(values: readonly T[]) =>
    new Map(names.map((name, index) => [`shop/${name}`, values[index] as T]))
  const inputs = fc.record({
    labels: each(schedules),
    state: each(states),
    observation: each(observations),
    active: some,
    locked: some,
    backedOff: some,
    now: times,
  })
  fc.assert(
    fc.property(inputs, ({ labels, state, observation, active, locked, backedOff, now }) => {
      const containers = names.map((name, index) =>
        container(name, { mounts, labels: enabled({ schedule: labels[index] as string }) }),
      )
      const input: ReconcileInput = {
        plan: makePlan(containers, settings, methods),
        schedules: perTarget(state.map((times) => JSON.parse(JSON.stringify(times)) as ScheduleState)),
        runs: new Map(),
        drills: new Map(),
        active,
        locked,
        damaged: new Set(),
        leftovers: [],
        unfinished: [],
        backedOff,
        observations: perTarget(observation),
        now,
      }
      const begun = reconcile(input).flatMap(({ targets }) => targets.map(({ target }) => targetKey(target)))
      const broken = input.plan.broken.map(targetKey)
      expect(
        begun.filter((key) => broken.includes(key) || [active, locked, backedOff].some((keys) => keys.has(key))),
      ).toEqual([])
      expect(new Set(begun).size).toBe(begun.length)
    }),
  )
})

describe('a group', () => {
  const member = (name: string, labels: Record<string, string>) =>
    container(name, { labels: enabled({ group: 'all', ...labels }), mounts: [volume(name, '/data')] })
  const plan = makePlan(
    [member('a', {}), member('b', { schedule: 'manual' }), container('c', { labels: enabled(), mounts })],
    settings,
    methods,
  )
  const due = { firstSeen: '2026-07-01T00:00:00.000Z', lastSlot: '2026-08-01T02:00:00.000Z' }
  const input = (active: string[]): ReconcileInput => ({
    plan,
    schedules: new Map(plan.targets.map((target) => [targetKey(target), due])),
    runs: new Map(),
    drills: new Map(),
    active: new Set(active),
    damaged: new Set(),
    leftovers: [],
    unfinished: [],
    locked: new Set(),
    backedOff: new Set(),
    observations: new Map(),
    now: new Date('2026-08-02T02:00:00.000Z'),
  })
  const names = (actions: Action[]) => actions.map(({ targets }) => targets.map(({ target }) => target.name))

  test('is captured as a whole, and once, when one member is due', () => {
    expect(names(reconcile(input([])))).toEqual([['a', 'b'], ['c']])
  })

  test('waits while one member is queued or running', () => {
    expect(names(reconcile(input(['shop/b'])))).toEqual([['c']])
  })
})
