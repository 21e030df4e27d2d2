/** The calendar periods by which retention counts. */
export type Period = 'daily' | 'weekly' | 'monthly'

export const periods: readonly Period[] = ['daily', 'weekly', 'monthly']

/**
 * Makes the function that names the period of the zone in which a time (ISO 8601) lies: `2026-08-20`, `2026-W34`, `2026-08`. It remembers
 * the date of each time, which is most of its work.
 */
export function periodsIn(timezone: string): (period: Period, time: string) => string {
  const local = localDates(timezone)
  const dates = new Map<string, Date>()
  return (period, time) => {
    const date = dates.get(time) ?? local(time)
    dates.set(time, date)
    return names[period](date)
  }
}

const names = { daily: dayOf, weekly: weekOf, monthly: monthOf }

/** Converts a time to the calendar date in the zone, as UTC midnight, so that arithmetic on it meets no clock change. */
function localDates(timezone: string): (time: string) => Date {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: timezone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  })
  return (time) => {
    const parts = Object.fromEntries(
      format.formatToParts(new Date(time)).map(({ type, value }) => [type, Number(value)]),
    )
    return new Date(Date.UTC(parts.year as number, (parts.month as number) - 1, parts.day))
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

function monthOf(date: Date): string {
  return date.toISOString().slice(0, 7)
}

/** By ISO 8601 a week belongs to the year that its Thursday lies in. */
function weekOf(date: Date): string {
  const dayMs = 86_400_000
  const thursday = new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * dayMs)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
