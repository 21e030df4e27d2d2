import type { Clock } from '../lib/clock.ts'

/** Wakes one waiter. What fires while nobody waits is kept, and counts once however often it has fired. */
export interface Trigger {
  fire(): void
  /**
   * Resolves when the trigger fires, at once if it has fired since the last wait, or after `ms` milliseconds. Rejects when the signal is
   * aborted. Only one caller may wait at a time.
   */
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** Forgets that it has fired. */
  reset(): void
}

export function createTrigger(clock: Clock): Trigger {
  let fired = false
  let wake: (() => void) | undefined
  return {
    fire() {
      fired = true
      wake?.()
    },
    async wait(ms, signal) {
      signal.throwIfAborted()
      if (!fired) {
        const asleep = new AbortController()
        wake = () => asleep.abort()
        signal.addEventListener('abort', wake, { once: true })
        await clock.sleep(ms, asleep.signal).catch(() => undefined)
        signal.removeEventListener('abort', wake)
        wake = undefined
        signal.throwIfAborted()
      }
      fired = false
    },
    reset() {
      fired = false
    },
  }
}
