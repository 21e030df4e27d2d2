import { describe, expect, test } from 'vitest'
import { renderTable } from '../../../../src/cli/render/table.ts'
import { formatTime, timeColumn } from '../../../../src/cli/render/time.ts'

const berlin = { colour: false, timezone: 'Europe/Berlin', width: 80 }

describe('formatTime', () => {
  test('shows the time of the zone with its name', () => {
    expect(formatTime('2026-11-20T02:00:12.345Z', berlin)).toBe('2026-11-20 03:00 CET')
  })

  test('shows the offset of a zone without a short name', () => {
    expect(formatTime('2026-11-20T02:00:00Z', { ...berlin, timezone: 'Asia/Tokyo' })).toBe('2026-11-20 11:00 GMT+9')
  })

  test('shows no time as a dash', () => {
    expect(formatTime(null, berlin)).toBe('—')
  })
})

describe('timeColumn', () => {
  const table = (times: (string | null)[], timezone = 'Europe/Berlin') => {
    const style = { ...berlin, timezone }
    return renderTable([timeColumn({ title: 'TAKEN', timeOf: (time) => time }, times, style)], times, style)
  }

  test('names the zone once, in the title', () => {
    expect(table(['2026-11-20T02:00:00Z', null], 'UTC')).toBe('TAKEN (UTC)\n2026-11-20 02:00\n—\n')
  })

  test('names the zone at a time before the clocks were changed', () => {
    expect(table(['2026-07-01T02:00:00Z', '2026-11-20T02:00:00Z'])).toBe(
      'TAKEN (CET)\n2026-07-01 04:00 CEST\n2026-11-20 03:00\n',
    )
  })

  test('without any time names no zone', () => {
    expect(table([null])).toBe('TAKEN\n—\n')
  })
})
