/** A clock that was set back by less than this, as time services do, is no wrong clock. */
const toleranceMs = 5 * 60_000

/**
 * Whether a time (ISO 8601) lies in the future, so that a wrong clock has made it. A snapshot with such a time would otherwise be the
 * newest one for years.
 */
export const isInFuture = (time: string, now: Date): boolean => Date.parse(time) - now.getTime() > toleranceMs
