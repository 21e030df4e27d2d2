import type { Clock } from '../lib/clock.ts'

/**
 * Gives one result to all who ask while it is made, and for `ms` after it was begun, as long as they ask with the same `key`. A failure is
 * given to those who wait for it, and the next one who asks tries anew.
 */
export function shareResult<T>(clock: Clock, ms: number, make: () => Promise<T>): (key?: string) => Promise<T> {
  let made: { result: Promise<T>; key: string; beganMs: number; isPending: boolean } | undefined
  return (key = '') => {
    const isYoung = made && made.key === key && clock.monotonicMs() - made.beganMs < ms
    if (made && (made.isPending || isYoung)) return made.result
    const own = { result: make(), key, beganMs: clock.monotonicMs(), isPending: true }
    made = own
    own.result.then(
      () => {
        own.isPending = false
      },
      () => {
        if (made === own) made = undefined
      },
    )
    return own.result
  }
}
