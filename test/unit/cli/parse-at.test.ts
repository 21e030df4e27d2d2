import { describe, expect, test } from 'vitest'
import { parseAt } from '../../../src/cli/parse-at.ts'

describe('parseAt', () => {
  test.for([
    ['a day means its end', '2026-11-20', 'UTC', '2026-11-20T23:59:59.999Z'],
    ['a minute means its end', '2026-11-20 03:00', 'UTC', '2026-11-20T03:00:59.999Z'],
    ['a second means its end', '2026-11-20 03:00:12', 'UTC', '2026-11-20T03:00:12.999Z'],
    [
      'a time with milliseconds, as JSON output has it, is exact',
      '2026-11-20T03:00:12.345Z',
      'Asia/Tokyo',
      '2026-11-20T03:00:12.345Z',
    ],
    ['one digit after the point is tenths', '2026-11-20T03:00:12.5Z', 'UTC', '2026-11-20T03:00:12.500Z'],
    [
      'a time without an offset is read in the configured zone',
      '2026-11-20 03:00',
      'Europe/Berlin',
      '2026-11-20T02:00:59.999Z',
    ],
    ['summer time counts', '2026-07-20 03:00', 'Europe/Berlin', '2026-07-20T01:00:59.999Z'],
    ['a zone may differ by half hours', '2026-11-20 03:00', 'Asia/Kolkata', '2026-11-19T21:30:59.999Z'],
    ['an offset overrides the zone', '2026-11-20T03:00+05:30', 'Europe/Berlin', '2026-11-19T21:30:59.999Z'],
    ['an offset may be negative and without a colon', '2026-11-20T03:00-0800', 'UTC', '2026-11-20T11:00:59.999Z'],
    ['an hour that comes twice means the later one', '2026-10-25 02:30', 'Europe/Berlin', '2026-10-25T01:30:59.999Z'],
    [
      'an hour that is skipped is read by the earlier offset',
      '2026-03-29 02:30',
      'Europe/Berlin',
      '2026-03-29T01:30:59.999Z',
    ],
    [
      'the minute before clocks change has the earlier offset',
      '2026-03-29 01:59',
      'Europe/Berlin',
      '2026-03-29T00:59:59.999Z',
    ],
    [
      'the minute after clocks change has the later offset',
      '2026-03-29 03:00',
      'Europe/Berlin',
      '2026-03-29T01:00:59.999Z',
    ],
    [
      'the day before clocks change has the earlier offset',
      '2026-03-28 12:00',
      'America/New_York',
      '2026-03-28T16:00:59.999Z',
    ],
  ])('%s', ([, text, zone, expected]) => {
    expect(parseAt(text as string, zone as string)).toEqual(new Date(expected as string))
  })

  test.for(['latest', '20261120T020000Z-1a2b3c', 'yesterday'])('%s is no time and is answered as it is', (text) => {
    expect(parseAt(text, 'UTC')).toBe(text)
  })

  test.for(['2026-02-30', '2026-13-01', '2026-11-20 24:00', '2026-11-20 03:60', '2026-11-20T03:00:61Z'])(
    '%s does not exist and is refused',
    (text) => {
      expect(() => parseAt(text, 'UTC')).toThrow(`--at ${text}: no such day or time`)
    },
  )
})
