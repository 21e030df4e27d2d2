import { BackupError } from '../errors.ts'

const timeShape =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d{2}:?\d{2})?$/

/**
 * Reads the value of `--at`. Text that does not look like a time is answered as it is: it is `latest` or the id of a snapshot. A time
 * without smaller units means the end of what it names, `2026-11-20` the end of the day and `2026-11-20 03:00` the end of the minute,
 * so that a time copied from `list` finds its snapshot. A time without an offset is read in `timezone`. Throws USAGE for a time that
 * does not exist.
 */
export function parseAt(text: string, timezone: string): 'latest' | Date | string {
  const match = timeShape.exec(text)
  if (!match) return text
  const [, year, month, day, hour, minute, second, fraction, offset] = match
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 23),
    Number(minute ?? 59),
    Number(second ?? 59),
    fraction === undefined ? 999 : Number(fraction.padEnd(3, '0')),
  )
  if (new Date(wall).toISOString().slice(0, 10) !== text.slice(0, 10) || Number(hour ?? 0) > 23) refuse(text)
  if (Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) refuse(text)
  return new Date(offset === undefined ? wall - zoneOffsetMs(wall, timezone) : wall - fixedOffsetMs(offset))
}

function refuse(text: string): never {
  throw new BackupError('USAGE', `--at ${text}: no such day or time`, {
    hint: 'Give a time like 2026-11-20, "2026-11-20 03:00" or 2026-11-20T03:00:00Z, a snapshot id, or latest.',
  })
}

function fixedOffsetMs(offset: string): number {
  if (offset === 'Z') return 0
  const digits = offset.slice(1).replace(':', '')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000
}

/** The offset of the zone at a wall-clock time. A time that occurs twice, because clocks were put back, means its later occurrence. */
function zoneOffsetMs(wall: number, timezone: string): number {
  const later = offsetAt(wall + 86_400_000, timezone)
  return offsetAt(wall - later, timezone) === later ? later : offsetAt(wall - 86_400_000, timezone)
}

function offsetAt(instant: number, timezone: string): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  const name = format.formatToParts(instant).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT'
  return name === 'GMT' ? 0 : fixedOffsetMs(name.slice('GMT'.length))
}
