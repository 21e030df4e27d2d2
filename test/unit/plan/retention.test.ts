import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RetentionPolicy } from '../../../src/labels/spec.ts'
import { type Dated, type KeepOptions, keep } from '../../../src/plan/retention.ts'

const day = 86_400
const now = new Date('2026-08-20T12:00:00Z')
const at = (...times: string[]): Dated[] => times.map((time) => ({ id: time.slice(0, 16), time: `${time}:00.000Z` }))
const asDamaged = (snapshot: Dated): Dated => ({ ...snapshot, damaged: {} })

/** Snapshots at 02:00 of that many days, the given one and those before it. */
const nightsUpTo = (date: string, days: number): string[] =>
  Array.from({ length: days }, (_, ago) =>
    new Date(Date.parse(`${date}T02:00Z`) - ago * day * 1000).toISOString().slice(0, 16),
  )

function explain(snapshots: Dated[], policy: RetentionPolicy, more: Partial<KeepOptions> = {}): string[] {
  const verdicts = keep(snapshots, { policy, timezone: 'UTC', now, ...more })
  return verdicts.map(({ snapshot, keep, reasons }) => `${keep ? '+' : '-'} ${snapshot.id}: ${reasons.join('; ')}`)
}

describe('what stays and why', () => {
  const rows: {
    sentence: string
    snapshots: Dated[]
    policy: RetentionPolicy
    more?: Partial<KeepOptions>
    lines: string[]
  }[] = [
    {
      sentence: 'the newest of each day, while it is young',
      snapshots: at('2026-08-20T02:00', '2026-08-19T02:00', '2026-08-19T14:00', '2026-08-17T02:00'),
      policy: { daily: 3 * day },
      lines: [
        '+ 2026-08-20T02:00: daily 2026-08-20; newest',
        '+ 2026-08-19T14:00: daily 2026-08-19',
        '- 2026-08-19T02:00: daily: not the newest of 2026-08-19',
        '- 2026-08-17T02:00: daily: not younger than 3d',
      ],
    },
    {
      sentence: 'exactly as old as the duration is not younger',
      snapshots: at('2026-08-20T11:00', '2026-08-19T12:00'),
      policy: { daily: day },
      lines: ['+ 2026-08-20T11:00: daily 2026-08-20; newest', '- 2026-08-19T12:00: daily: not younger than 1d'],
    },
    {
      sentence: 'ISO weeks, across the turn of the year too',
      snapshots: at('2026-01-04T02:00', '2026-01-01T02:00', '2025-12-29T02:00', '2025-12-28T02:00'),
      policy: { weekly: 365 * day },
      lines: [
        '+ 2026-01-04T02:00: weekly 2026-W01; newest',
        '- 2026-01-01T02:00: weekly: not the newest of 2026-W01',
        '- 2025-12-29T02:00: weekly: not the newest of 2026-W01',
        '+ 2025-12-28T02:00: weekly 2025-W52',
      ],
    },
    {
      sentence: 'months and a count beside each other, a reason of each rule',
      snapshots: at('2026-08-10T02:00', '2026-08-09T02:00', '2026-08-08T02:00', '2026-07-31T02:00'),
      policy: { monthly: 365 * day, last: 2 },
      lines: [
        '+ 2026-08-10T02:00: monthly 2026-08; last 1 of 2; newest',
        '+ 2026-08-09T02:00: last 2 of 2',
        '- 2026-08-08T02:00: monthly: not the newest of 2026-08; last: not among the newest 2',
        '+ 2026-07-31T02:00: monthly 2026-07',
      ],
    },
    {
      sentence: 'days are those of the zone',
      snapshots: at('2026-08-19T22:30', '2026-08-19T21:30'),
      policy: { daily: 30 * day },
      more: { timezone: 'Europe/Berlin' },
      lines: ['+ 2026-08-19T22:30: daily 2026-08-20; newest', '+ 2026-08-19T21:30: daily 2026-08-19'],
    },
    {
      sentence: 'the newest verified one and those in use stay whatever the policy says',
      snapshots: at('2026-08-20T02:00', '2026-05-03T02:00', '2026-05-02T02:00', '2026-05-01T02:00'),
      policy: { last: 1 },
      more: { verified: new Set(['2026-05-02T02:00', '2026-05-01T02:00']), pinned: new Set(['2026-05-01T02:00']) },
      lines: [
        '+ 2026-08-20T02:00: last 1 of 1; newest',
        '- 2026-05-03T02:00: last: not among the newest 1',
        '+ 2026-05-02T02:00: newest verified',
        '+ 2026-05-01T02:00: in use',
      ],
    },
    {
      sentence: 'what a restore replaced stays a week and takes the place of nothing',
      snapshots: [
        ...at('2026-08-20T02:00', '2026-08-19T02:00'),
        ...at('2026-08-20T10:00', '2026-08-13T12:00').map((snapshot) => ({ ...snapshot, reason: 'safety' })),
      ],
      policy: { daily: 30 * day },
      lines: [
        '+ 2026-08-20T10:00: safety, for 1w',
        '+ 2026-08-20T02:00: daily 2026-08-20; newest',
        '+ 2026-08-19T02:00: daily 2026-08-19',
        '- 2026-08-13T12:00: safety: not younger than 1w',
      ],
    },
    {
      sentence: 'a policy that chooses nothing removes nothing',
      snapshots: at('2026-01-02T02:00', '2026-01-01T02:00'),
      policy: { daily: 30 * day },
      lines: [
        '+ 2026-01-02T02:00: newest; the policy would leave nothing',
        '+ 2026-01-01T02:00: the policy would leave nothing',
      ],
    },
    {
      sentence: 'an empty policy removes nothing',
      snapshots: at('2026-01-01T02:00'),
      policy: {},
      lines: ['+ 2026-01-01T02:00: newest; the policy would leave nothing'],
    },
    {
      sentence: 'a time in the future is of a wrong clock: it stays, and takes the place of nothing',
      snapshots: at('2036-01-01T02:00', '2026-08-20T02:00', '2026-08-19T02:00'),
      policy: { last: 1 },
      lines: [
        '+ 2036-01-01T02:00: dated in the future',
        '+ 2026-08-20T02:00: last 1 of 1; newest',
        '- 2026-08-19T02:00: last: not among the newest 1',
      ],
    },
    {
      sentence: 'beside a time in the future a policy that chooses nothing removes nothing',
      snapshots: at('2036-01-01T02:00', '2026-01-02T02:00'),
      policy: { daily: 30 * day },
      lines: ['+ 2036-01-01T02:00: dated in the future', '+ 2026-01-02T02:00: newest; the policy would leave nothing'],
    },
    {
      sentence: 'where only safety snapshots are left, a policy that leaves none of them removes none',
      snapshots: at('2026-08-10T02:00', '2026-08-09T02:00').map((snapshot) => ({ ...snapshot, reason: 'safety' })),
      policy: { daily: 30 * day },
      lines: [
        '+ 2026-08-10T02:00: the policy would leave nothing',
        '+ 2026-08-09T02:00: the policy would leave nothing',
      ],
    },
    {
      sentence: 'where only safety snapshots are left, a young one lets the old ones go',
      snapshots: at('2026-08-20T02:00', '2026-08-09T02:00').map((snapshot) => ({ ...snapshot, reason: 'safety' })),
      policy: { daily: 30 * day },
      lines: ['+ 2026-08-20T02:00: safety, for 1w', '- 2026-08-09T02:00: safety: not younger than 1w'],
    },
    {
      sentence: 'a damaged one takes the place of no whole one, and stays as long as it would if it were whole',
      snapshots: [
        ...at('2026-08-20T02:00', '2026-08-19T02:00', '2026-08-18T02:00'),
        ...at('2026-08-20T10:00', '2026-08-19T01:00', '2026-08-17T02:00').map(asDamaged),
      ],
      policy: { daily: 3 * day, last: 2 },
      more: { verified: new Set(['2026-08-20T10:00', '2026-08-18T02:00']) },
      lines: [
        '+ 2026-08-20T10:00: daily 2026-08-20; last 1 of 2; newest; newest verified; damaged',
        '+ 2026-08-20T02:00: daily 2026-08-20; last 1 of 2; newest',
        '+ 2026-08-19T02:00: daily 2026-08-19; last 2 of 2',
        '- 2026-08-19T01:00: daily: not the newest of 2026-08-19; last: not among the newest 2; damaged',
        '+ 2026-08-18T02:00: daily 2026-08-18; newest verified',
        '- 2026-08-17T02:00: daily: not younger than 3d; last: not among the newest 2; damaged',
      ],
    },
    {
      sentence: 'an old one is the last good one where all later ones are damaged',
      snapshots: [...at('2026-05-01T02:00'), ...at('2026-08-20T02:00').map(asDamaged)],
      policy: { daily: 30 * day },
      lines: [
        '+ 2026-08-20T02:00: daily 2026-08-20; newest; damaged',
        '+ 2026-05-01T02:00: newest; the policy would leave nothing',
      ],
    },
    {
      sentence: 'where all are damaged, a policy that chooses nothing removes nothing',
      snapshots: at('2026-01-02T02:00', '2026-01-01T02:00').map(asDamaged),
      policy: { daily: 30 * day },
      lines: [
        '+ 2026-01-02T02:00: newest; the policy would leave nothing; damaged',
        '+ 2026-01-01T02:00: the policy would leave nothing; damaged',
      ],
    },
    {
      sentence: 'what was imported takes the place of no backup, and stays while it would stay as one',
      snapshots: [
        ...at('2026-08-20T02:00', '2026-08-19T02:00'),
        ...at('2026-08-20T10:00', '2026-08-19T01:00').map((snapshot) => ({ ...snapshot, reason: 'import' })),
      ],
      policy: { daily: 30 * day },
      lines: [
        '+ 2026-08-20T10:00: daily 2026-08-20; newest; import',
        '+ 2026-08-20T02:00: daily 2026-08-20; newest',
        '+ 2026-08-19T02:00: daily 2026-08-19',
        '- 2026-08-19T01:00: daily: not the newest of 2026-08-19; import',
      ],
    },
    {
      sentence: 'what the last backup left stays, though the clock was wrong then',
      snapshots: at('2026-08-20T02:00', '2026-08-19T02:00', '1970-01-01T00:10'),
      policy: { daily: 30 * day },
      more: { latest: '1970-01-01T00:10' },
      lines: [
        '+ 2026-08-20T02:00: daily 2026-08-20; newest',
        '+ 2026-08-19T02:00: daily 2026-08-19',
        '+ 1970-01-01T00:10: last backup',
      ],
    },
    {
      sentence: 'a pause spares the last seven days before it, where removals are not asked for',
      snapshots: at('2026-08-20T02:00', ...nightsUpTo('2026-04-30', 9)),
      policy: { daily: 30 * day },
      more: { sparesPause: true },
      lines: [
        '+ 2026-08-20T02:00: daily 2026-08-20; newest; before or after a pause',
        ...nightsUpTo('2026-04-30', 6).map((id) => `+ ${id}: before or after a pause`),
        ...nightsUpTo('2026-04-24', 3).map((id) => `- ${id}: daily: not younger than 30d`),
      ],
    },
    {
      sentence: 'and so does one that goes on',
      snapshots: at('2026-08-12T02:00', '2026-08-11T02:00'),
      policy: { daily: 9 * day },
      more: { sparesPause: true },
      lines: [
        '+ 2026-08-12T02:00: daily 2026-08-12; newest; before or after a pause',
        '+ 2026-08-11T02:00: before or after a pause',
      ],
    },
    {
      sentence: 'seven days of backups after a pause end it, and nights that were missed make none',
      snapshots: at(...nightsUpTo('2026-08-20', 4), ...nightsUpTo('2026-08-10', 3), '2026-05-01T02:00'),
      policy: { daily: 9 * day },
      more: { sparesPause: true },
      lines: [
        '+ 2026-08-20T02:00: daily 2026-08-20; newest',
        ...nightsUpTo('2026-08-19', 3).map((id) => `+ ${id}: daily ${id.slice(0, 10)}`),
        ...[...nightsUpTo('2026-08-10', 3), '2026-05-01T02:00'].map((id) => `- ${id}: daily: not younger than 9d`),
      ],
    },
    {
      sentence: 'a count is not measured by time, and no pause changes it',
      snapshots: at('2026-08-20T02:00', ...nightsUpTo('2026-04-30', 2)),
      policy: { last: 1 },
      more: { sparesPause: true },
      lines: [
        '+ 2026-08-20T02:00: last 1 of 1; newest',
        ...nightsUpTo('2026-04-30', 2).map((id) => `- ${id}: last: not among the newest 1`),
      ],
    },
    { sentence: 'no snapshot, no verdict', snapshots: [], policy: { last: 1 }, lines: [] },
  ]
  test.each(rows)('$sentence', ({ snapshots, policy, more, lines }) => {
    expect(explain(snapshots, policy, more)).toEqual(lines)
    expect(explain(snapshots.toReversed(), policy, more)).toEqual(lines)
  })
})

describe('for any snapshots and any policy', () => {
  const times = fc.date({ min: new Date('2025-01-01'), max: new Date('2026-09-01'), noInvalidDate: true })
  const snapshots = fc
    .uniqueArray(times, { maxLength: 60, selector: Number })
    .map((dates) => dates.map((date, index) => ({ id: `s${index}`, time: date.toISOString() })))
  const damage = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 })
  const duration = fc.integer({ min: 1, max: 500 * day })
  const policies = fc.record(
    { daily: duration, weekly: duration, monthly: duration, last: fc.integer({ min: 1, max: 10 }) },
    { requiredKeys: [] },
  )
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'America/St_Johns')
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 60 }).map((number) => `s${number}`)).map((some) => new Set(some))
  const cases = fc.record({ snapshots, policy: policies, timezone: zones, verified: ids, pinned: ids })

  test('newest, newest verified and those in use stay, and every verdict has a reason', () => {
    fc.assert(
      fc.property(cases, ({ snapshots, ...options }) => {
        const verdicts = keep(snapshots, { ...options, now } as KeepOptions)
        const kept = new Set(verdicts.filter(({ keep }) => keep).map(({ snapshot }) => snapshot.id))
        const byAge = snapshots.toSorted((a, b) => (a.time < b.time ? 1 : -1))
        const wanted = [
          byAge[0],
          byAge.find(({ id }) => options.verified.has(id)),
          ...byAge.filter(({ id }) => options.pinned.has(id)),
        ]
        for (const snapshot of wanted) if (snapshot) expect(kept).toContain(snapshot.id)
        expect(verdicts).toHaveLength(snapshots.length)
        for (const { reasons } of verdicts) if (Object.keys(options.policy).length > 0) expect(reasons).not.toEqual([])
      }),
    )
  })

  test('damaged ones change nothing for the whole ones', () => {
    fc.assert(
      fc.property(cases, damage, ({ snapshots, ...options }, isDamaged) => {
        const look = (some: Dated[]) => keep(some, { ...options, now } as KeepOptions)
        const whole = snapshots.filter((_, index) => !isDamaged[index])
        const mixed = snapshots.map((snapshot, index) => (isDamaged[index] ? asDamaged(snapshot) : snapshot))
        expect(look(mixed).filter(({ snapshot }) => !snapshot.damaged)).toEqual(look(whole))
      }),
    )
  })

  test('what one look removes, a second look does not miss', () => {
    fc.assert(
      fc.property(cases, ({ snapshots, ...options }) => {
        const look = (some: Dated[]) =>
          keep(some, { ...options, now } as KeepOptions)
            .filter(({ keep }) => keep)
            .map(({ snapshot }) => snapshot.id)
        const kept = look(snapshots)
        expect(look(snapshots.filter(({ id }) => kept.includes(id)))).toEqual(kept)
      }),
    )
  })
})
