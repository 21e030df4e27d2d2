import { describe, expect, test } from 'vitest'
import type { Schedule } from '../../../src/labels/spec.ts'
import { dueSlot, nextSlot, previousSlot } from '../../../src/plan/due.ts'

const cron = (expression: string): Schedule => ({ kind: 'cron', expression })
const short = (slot: Date | undefined) => slot?.toISOString().replace(':00.000Z', '')

describe('slots around an instant', () => {
  const rows: [sentence: string, expression: string, zone: string, now: string, previous: string, next: string][] = [
    [
      'a slot counts from its very instant',
      '0 2 * * *',
      'UTC',
      '2026-08-02T02:00:00.000Z',
      '2026-08-02T02:00',
      '2026-08-03T02:00',
    ],
    [
      'one millisecond before it does not',
      '0 2 * * *',
      'UTC',
      '2026-08-02T01:59:59.999Z',
      '2026-08-01T02:00',
      '2026-08-02T02:00',
    ],
    [
      'and not twice within its second',
      '0 2 * * *',
      'UTC',
      '2026-08-02T02:00:00.500Z',
      '2026-08-02T02:00',
      '2026-08-03T02:00',
    ],
    [
      'a clock of a zone',
      '0 2 * * *',
      'Asia/Kathmandu',
      '2026-08-02T00:00:00Z',
      '2026-08-01T20:15',
      '2026-08-02T20:15',
    ],
    [
      'a day of month or a day of week, either will do',
      '0 2 13 * 5',
      'UTC',
      '2026-03-13T12:00:00Z',
      '2026-03-13T02:00',
      '2026-03-20T02:00',
    ],
    [
      'a starred day field narrows the other',
      '0 2 */2 * 1',
      'UTC',
      '2026-03-01T00:00:00Z',
      '2026-02-23T02:00',
      '2026-03-09T02:00',
    ],
    ['Sunday is 0 and 7', '0 2 * * 7', 'UTC', '2026-08-05T00:00:00Z', '2026-08-02T02:00', '2026-08-09T02:00'],
    ['the leap day', '0 2 29 2 *', 'UTC', '2026-03-01T00:00:00Z', '2024-02-29T02:00', '2028-02-29T02:00'],
    [
      'the 31st skips short months',
      '0 2 31 * *',
      'UTC',
      '2026-04-30T12:00:00Z',
      '2026-03-31T02:00',
      '2026-05-31T02:00',
    ],
    [
      'the first of a year',
      '0 0 1 1 *',
      'America/New_York',
      '2026-01-01T04:59:59Z',
      '2025-01-01T05:00',
      '2026-01-01T05:00',
    ],
    [
      'an hour that spring skips runs right after the gap',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-29T01:00:00Z',
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ],
    [
      'and before the gap is yet to come',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-29T00:59:00Z',
      '2026-03-28T01:30',
      '2026-03-29T01:00',
    ],
    [
      'an hour that autumn repeats runs the first time',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-25T00:30:00Z',
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ],
    [
      'and not the second time',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-25T01:45:00Z',
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ],
    [
      'every half hour goes on through the repeated hour',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T01:10:00Z',
      '2026-10-25T01:00',
      '2026-10-25T01:30',
    ],
    [
      'and over the skipped one',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:45:00Z',
      '2026-03-29T00:30',
      '2026-03-29T01:00',
    ],
    [
      'midnight that does not exist',
      '0 0 * * *',
      'America/Santiago',
      '2026-09-06T12:00:00Z',
      '2026-09-06T04:00',
      '2026-09-07T03:00',
    ],
  ]
  test.each(rows)('%s: %s %s', (_sentence, expression, zone, now, previous, next) => {
    expect(short(previousSlot(cron(expression), zone, new Date(now)))).toBe(previous)
    expect(short(nextSlot(cron(expression), zone, new Date(now)))).toBe(next)
  })

  test.each<Schedule>([{ kind: 'on-change' }, { kind: 'manual' }])('$kind knows no slots', (schedule) => {
    const now = new Date('2026-08-02T00:00:00Z')
    expect([previousSlot(schedule, 'UTC', now), nextSlot(schedule, 'UTC', now)]).toEqual([undefined, undefined])
    expect(dueSlot({ schedule, timezone: 'UTC' }, { firstSeen: '2020-01-01T00:00:00Z' }, now)).toEqual({
      reason: schedule.kind,
    })
  })
})

describe('a slot that waits to be run', () => {
  const seen = '2026-08-01T00:00:00.000Z'
  const rows: {
    sentence: string
    now: string
    last?: string
    firstSeen?: string | undefined
    slot?: string
    reason: string
  }[] = [
    {
      sentence: 'at its minute',
      now: '2026-08-02T02:00:00Z',
      last: '2026-08-01T02:00:00Z',
      slot: '2026-08-02T02:00',
      reason: 'has come',
    },
    {
      sentence: 'hours later it was missed',
      now: '2026-08-02T09:00:00Z',
      last: '2026-08-01T02:00:00Z',
      slot: '2026-08-02T02:00',
      reason: 'was missed',
    },
    {
      sentence: 'of many missed ones the newest',
      now: '2026-08-20T01:00:00Z',
      last: '2026-08-01T02:00:00Z',
      slot: '2026-08-19T02:00',
      reason: 'was missed',
    },
    {
      sentence: 'never run since it was first seen',
      now: '2026-08-01T02:30:00Z',
      slot: '2026-08-01T02:00',
      reason: 'was missed',
    },
    { sentence: 'not once it was run', now: '2026-08-02T09:00:00Z', last: '2026-08-02T02:00:00Z', reason: 'was run' },
    {
      sentence: 'not when it lies before the first sight',
      now: '2026-08-01T01:00:00Z',
      reason: 'before the target was first seen',
    },
    {
      sentence: 'not for a target that nobody has seen',
      now: '2026-08-02T09:00:00Z',
      firstSeen: undefined,
      reason: 'before the target was first seen',
    },
    {
      sentence: 'not again when the clock is set back by minutes',
      now: '2026-08-02T01:50:00Z',
      last: '2026-08-02T02:00:00Z',
      reason: 'was run',
    },
    {
      sentence: 'but when it is set back by years',
      now: '2026-08-02T09:00:00Z',
      last: '2038-01-19T02:00:00Z',
      slot: '2026-08-02T02:00',
      reason: 'the clock was set back',
    },
  ]
  test.each(rows)('$sentence', ({ now, last, slot, reason, ...row }) => {
    const firstSeen = 'firstSeen' in row ? row.firstSeen : seen
    const state = { ...(firstSeen && { firstSeen }), ...(last && { lastSlot: last }) }
    const due = dueSlot({ schedule: cron('0 2 * * *'), timezone: 'UTC' }, state, new Date(now))
    expect(short(due.slot)).toBe(slot)
    expect(due.reason).toContain(reason)
  })
})
