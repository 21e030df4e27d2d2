import { formatSeconds } from '../lib/format.ts'
import { localTime } from '../lib/local-time.ts'

/** `good` is green, `bad` red, `open` amber: nobody knows yet. */
export type Tone = 'good' | 'bad' | 'open'

/** `2026-11-20 03:00 CET`; a dash for no time. */
export function when(iso: string | null | undefined, timezone: string): string {
  if (!iso) return '—'
  const { minute, zone } = localTime(iso, timezone)
  return `${minute} ${zone}`
}

const minuteSeconds = 60

/** `3 h 20 m ago`, `in 12 m`; `just now` within a minute. */
export function fromNow(iso: string, now: Date): string {
  const seconds = (now.getTime() - Date.parse(iso)) / 1000
  if (Math.abs(seconds) < minuteSeconds) return seconds >= 0 ? 'just now' : 'in less than a minute'
  const minutes = formatSeconds(Math.floor(Math.abs(seconds) / minuteSeconds) * minuteSeconds)
  return seconds > 0 ? `${minutes} ago` : `in ${minutes}`
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`
