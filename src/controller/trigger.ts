import type { Clock } from '../lib/clock.ts'

/** Wakes one waiter. Rings that come while nobody waits count as one. */
export interface Alarm {
  ring(): void
  /** Until it rings, or `ms` have passed; rejects when the signal is aborted. Takes the rings so far with it. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** Forgets the rings so far. */
  quiet(): void
}

export function createAlarm(clock: Clock): Alarm {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      rung = true
      wake?.()
    },
    async wait(ms, signal) {
      signal.throwIfAborted()
      if (!rung) {
        const asleep = new AbortController()
        wake = () => asleep.abort()
        signal.addEventListener('abort', wake, { once: true })
        await clock.sleep(ms, asleep.signal).catch(() => undefined)
        signal.removeEventListener('abort', wake)
        wake = undefined
        signal.throwIfAborted()
      }
      rung = false
    },
    quiet() {
      rung = false
    },
  }
}
