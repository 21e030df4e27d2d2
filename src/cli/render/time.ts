import { localTime } from '../../lib/local-time.ts'
import type { Column } from './table.ts'
import type { TextStyle } from './text-style.ts'

/** ISO 8601; null where there is none. */
type Time = string | null | undefined

/** Formats an ISO time in the zone of the style, with the short name of the zone: `2026-11-20 03:00 CET`. No time becomes `—`. */
export function formatTime(iso: Time, { timezone }: TextStyle): string {
  if (!iso) return '—'
  const { minute, zone } = localTime(iso, timezone)
  return `${minute} ${zone}`
}

interface TimeColumn<Row> extends Omit<Column<Row>, 'cell'> {
  timeOf(row: Row): Time
  /** Shown where there is no time. Default: nothing. */
  otherwise?(row: Row): string
}

/**
 * A column of times. The title names the zone once, as it is at the newest of them. A time on the other side of a clock change names
 * its own.
 */
export function timeColumn<Row>(
  { title, timeOf, otherwise = () => '', ...column }: TimeColumn<Row>,
  rows: Row[],
  { timezone }: TextStyle,
): Column<Row> {
  const newest =
    rows
      .map((row) => timeOf(row) ?? '')
      .toSorted()
      .at(-1) ?? ''
  const { zone } = newest === '' ? { zone: '' } : localTime(newest, timezone)
  return {
    ...column,
    title: zone === '' ? title : `${title} (${zone})`,
    cell(row) {
      const time = timeOf(row)
      if (!time) return otherwise(row)
      const local = localTime(time, timezone)
      return local.zone === zone ? local.minute : `${local.minute} ${local.zone}`
    },
  }
}
