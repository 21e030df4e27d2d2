import { describe, expect, test } from 'vitest'
import { parseAt } from '../../../src/cli/parse-at.ts'

const now = new Date('2026-11-20T12:30:00Z')

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
    expect(parseAt(text as string, { timezone: zone as string, now })).toEqual(new Date(expected as string))
  })

  test.for(['latest', '20261120T020000Z-1a2b3c'])('%s is no time and is answered as it is', (text) => {
    expect(parseAt(text, { timezone: 'UTC', now })).toBe(text)
  })

  // It is 2026-11-20 12:30 in UTC and 13:30 in Berlin.
  test.for([
    ['yesterday', 'UTC', '2026-11-19T23:59:59.999Z'],
    ['Yesterday', 'Europe/Berlin', '2026-11-19T22:59:59.999Z'],
    ['today', 'UTC', '2026-11-20T23:59:59.999Z'],
    ['12:18', 'UTC', '2026-11-20T12:18:59.999Z'],
    ['12:18:05', 'UTC', '2026-11-20T12:18:05.999Z'],
    ['13:18', 'Europe/Berlin', '2026-11-20T12:18:59.999Z'],
    ['12:30', 'UTC', '2026-11-20T12:30:59.999Z'],
    ['3:05', 'UTC', '2026-11-20T03:05:59.999Z'],
    ['yesterday 12:18', 'UTC', '2026-11-19T12:18:59.999Z'],
    ['today 02:00', 'UTC', '2026-11-20T02:00:59.999Z'],
    ['2 days ago', 'UTC', '2026-11-18T12:30:00.000Z'],
    ['2d ago', 'UTC', '2026-11-18T12:30:00.000Z'],
    ['an hour ago', 'UTC', '2026-11-20T11:30:00.000Z'],
    ['90 minutes ago', 'Europe/Berlin', '2026-11-20T11:00:00.000Z'],
    ['1 week ago', 'UTC', '2026-11-13T12:30:00.000Z'],
  ])('%s in %s is %s', ([text, timezone, expected]) => {
    expect(parseAt(text as string, { timezone: timezone as string, now })).toEqual(new Date(expected as string))
  })

  test('a time of day that is still to come is that of yesterday', () => {
    expect(parseAt('23:10', { timezone: 'UTC', now })).toEqual(new Date('2026-11-19T23:10:59.999Z'))
  })

  test('yesterday is a day of the calendar on the day after clocks change', () => {
    const after = new Date('2026-10-26T00:30:00Z')
    const zone = { timezone: 'Europe/Berlin', now: after }
    expect(parseAt('yesterday', zone)).toEqual(new Date('2026-10-25T22:59:59.999Z'))
  })

  test.for(['', 'tomorrow', 'last tuesday', '2 fortnights ago', 'yesterday at noon', '20261120'])(
    '"%s" is not understood, and the accepted forms are named',
    (text) => {
      const read = () => parseAt(text, { timezone: 'UTC', now })
      expect(read).toThrow(`--at ${text}: is no time, and no id of a snapshot`)
      expect(read).toThrow(expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('"2 days ago"') }))
    },
  )

  test.for([
    '2026-02-30',
    '2026-13-01',
    '2026-11-20 24:00',
    '2026-11-20 03:60',
    '2026-11-20T03:00:61Z',
    '25:00',
    'yesterday 03:60',
  ])('%s does not exist and is refused', (text) => {
    expect(() => parseAt(text, { timezone: 'UTC', now })).toThrow(`--at ${text}: no such day or time`)
  })
})
