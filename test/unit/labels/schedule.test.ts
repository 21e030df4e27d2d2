import { describe, expect, test } from 'vitest'
import { cronSlots, drill, schedule, timezone } from '../../../src/labels/schedule.ts'

const slots = (expression: string, from: string, zone = 'UTC') =>
  cronSlots(expression, zone)
    .nextRuns(3, new Date(from))
    .map((slot) => slot.toISOString().slice(0, 16))

describe('schedules', () => {
  test.each([
    ['@hourly', '0 * * * *'],
    ['@daily', '0 0 * * *'],
    ['@weekly', '0 0 * * 0'],
    ['@monthly', '0 0 1 * *'],
    ['0  2\t* * MON-fri/2', '0 2 * * MON-fri/2'],
    ['*/15 0-6,22,23 * JAN 7', '*/15 0-6,22,23 * JAN 7'],
  ])('%s is %s', (text, expression) => {
    expect(schedule.parse(text)).toEqual({ value: { kind: 'cron', expression } })
  })

  test.each(['on-change', 'manual'] as const)('%s is no cron', (kind) => {
    expect(schedule.parse(kind)).toEqual({ value: { kind } })
  })

  test('off is a drill and no schedule', () => {
    expect(drill.parse('off')).toEqual({ value: 'off' })
    expect(schedule.parse('off')).toHaveProperty('reason')
  })

  test.each([
    ['@reboot'],
    ['*/0 * * * *'],
    ['5/5 * * * *'],
    ['0 2 15W * *'],
    ['0 2 * * FRI#2'],
    ['0 2 * * FRIL'],
    ['0 24 * * *'],
    ['0 2 0 * *'],
    ['0 2 * 13 *'],
    ['0 2 * * 8'],
    ['0 2 1,,2 * *'],
    ['~ 2 * * *'],
    ['0 0 31 4,6 *'],
    ['constructor'],
  ])('%s is refused', (text) => {
    expect(schedule.parse(text)).toHaveProperty('reason')
  })

  test.each([
    [
      'a day of the month or a day of the week',
      '0 0 13 * FRI',
      ['2026-01-02T00:00', '2026-01-09T00:00', '2026-01-13T00:00'],
    ],
    [
      'both, where a field is a step of all',
      '0 0 */2 * MON',
      ['2026-01-05T00:00', '2026-01-19T00:00', '2026-02-09T00:00'],
    ],
    [
      'both, where the days of the week are a step of all',
      '0 0 1 * */2',
      ['2026-02-01T00:00', '2026-03-01T00:00', '2026-08-01T00:00'],
    ],
    ['7 is Sunday', '0 0 * * 7', ['2026-01-04T00:00', '2026-01-11T00:00', '2026-01-18T00:00']],
  ])('as Vixie cron reads it: %s', (_, expression, expected) => {
    expect(slots(expression, '2026-01-01T12:00:00Z')).toEqual(expected)
  })

  test('an hour that the clock skips runs once, after the gap', () => {
    expect(slots('30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin').slice(0, 2)).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ])
  })

  test('an hour that the clock repeats runs once', () => {
    expect(slots('30 2 * * *', '2026-10-24T12:00:00Z', 'Europe/Berlin').slice(0, 2)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ])
  })
})

describe('time zones', () => {
  test.each(['UTC', 'Europe/Berlin', 'US/Eastern', 'Etc/GMT+2'])('%s', (zone) => {
    expect(timezone.parse(zone)).toEqual({ value: zone })
  })

  test.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['New York', 'America/New_York'],
    ['Asia/Tokio', 'Asia/Tokyo'],
    ['GMT+2', undefined],
  ])('%s is refused, suggestion %s', (zone, suggestion) => {
    expect(timezone.parse(zone)).toEqual({ reason: expect.any(String), ...(suggestion && { suggestion }) })
  })
})
