import { BackupError } from '../errors.ts'

const timeShape =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d{2}:?\d{2})?$/
/** The first part of every id of ours is the time of the snapshot: see job/identify.ts. */
const idShape = /^\d{8}T\d{6}Z-[\w-]+$/
const dayShape = /^(?:(today|yesterday)(?:\s+|$))?(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/
const agoShape = /^(\d{1,6}|an?)\s*(s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)\s+ago$/

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const dayMs = 86_400_000

export interface AtOptions {
  /** IANA name of the zone in which a time without an offset is read. */
  timezone: string
  now: Date
}

/**
 * Reads the value of `--at`: `latest`, the id of a snapshot, which is answered as it is, or a time. A time without smaller units means
 * the end of what it names, `2026-11-20` and `yesterday` the end of the day and `2026-11-20 03:00` the end of the minute, so that a time
 * copied from `list` finds its snapshot. `12:18` is the last one that has begun, today or yesterday, and `2 days ago` is 48 hours ago.
 * Throws USAGE, with the forms that are accepted, for anything else and for a time that does not exist.
 */
export function parseAt(text: string, options: AtOptions): 'latest' | Date | string {
  const said = text.trim().toLowerCase()
  if (said === 'latest') return 'latest'
  if (idShape.test(text)) return text
  const time = readDate(text, options) ?? readDay(said, text, options) ?? readAgo(said, options)
  return time ?? refuse(text, 'is no time, and no id of a snapshot')
}

function readDate(text: string, { timezone }: AtOptions): Date | undefined {
  const match = timeShape.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction, offset] = match
  const ms = fraction === undefined ? 999 : Number(fraction.padEnd(3, '0'))
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day))
  if (new Date(midnight).toISOString().slice(0, 10) !== text.slice(0, 10)) refuse(text, 'no such day or time')
  const wall = midnight + msOfDay(text, hour, minute, second) + ms
  return offset === undefined ? instantOf(wall, timezone) : new Date(wall - fixedOffsetMs(offset))
}

/** Reads `yesterday`, `12:18` and `yesterday 12:18`. */
function readDay(said: string, text: string, { timezone, now }: AtOptions): Date | undefined {
  const match = said === '' ? null : dayShape.exec(said)
  if (!match) return undefined
  const [, day, hour, minute, second] = match
  const wallNow = now.getTime() + offsetAt(now.getTime(), timezone)
  const today = wallNow - (wallNow % dayMs)
  const end = msOfDay(text, hour, minute, second) + 999
  const begin = end - 999 - (second === undefined ? 59_000 : 0)
  const isToCome = day === undefined && today + begin > wallNow
  return instantOf((day === 'yesterday' || isToCome ? today - dayMs : today) + end, timezone)
}

function readAgo(said: string, { now }: AtOptions): Date | undefined {
  const match = agoShape.exec(said)
  if (!match) return undefined
  const [, count = '', unit = ''] = match
  return new Date(now.getTime() - (count.startsWith('a') ? 1 : Number(count)) * (unitMs[unit.charAt(0)] as number))
}

/** Milliseconds from midnight to the last second of what the parts of a time name. */
function msOfDay(text: string, hour = '23', minute = '59', second = '59'): number {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) refuse(text, 'no such day or time')
  return ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000
}

function refuse(text: string, reason: string): never {
  throw new BackupError('USAGE', `--at ${text}: ${reason}`, {
    hint: 'Give latest, the id of a snapshot (xnai-backup list shows them), or a time: 2026-11-20, "2026-11-20 03:00", 2026-11-20T03:00:00Z, 03:00, yesterday, "yesterday 03:00", "2 days ago".',
  })
}

function fixedOffsetMs(offset: string): number {
  if (offset === 'Z') return 0
  const digits = offset.slice(1).replace(':', '')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000
}

/** The instant of a wall-clock time. One that occurs twice, because clocks were put back, means its later occurrence. */
function instantOf(wall: number, timezone: string): Date {
  const later = offsetAt(wall + dayMs, timezone)
  const offset = offsetAt(wall - later, timezone) === later ? later : offsetAt(wall - dayMs, timezone)
  return new Date(wall - offset)
}

function offsetAt(instant: number, timezone: string): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' })
  const name = format.formatToParts(instant).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT'
  return name === 'GMT' ? 0 : fixedOffsetMs(name.slice('GMT'.length))
}
