import type { Clock } from '../../../src/lib/clock.ts'

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Wakes the sleepers one by one in their order. Everything that follows from one happens before the next is woken.
   */
  advance(seconds: number): Promise<void>
}

export function fakeClock(start: string): FakeClock {
  const startMs = Date.parse(start)
  let elapsedMs = 0
  let sleepers: { atMs: number; wake: () => void }[] = []
  return {
    now: () => new Date(startMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const sleeper = { atMs: elapsedMs + ms, wake: resolve }
        sleepers.push(sleeper)
        const abort = () => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', abort, { once: true })
      }),
    async advance(seconds) {
      const untilMs = elapsedMs + seconds * 1000
      await settle()
      for (;;) {
        const next = sleepers.toSorted((a, b) => a.atMs - b.atMs)[0]
        if (!next || next.atMs > untilMs) break
        elapsedMs = Math.max(elapsedMs, next.atMs)
        sleepers = sleepers.filter((other) => other !== next)
        next.wake()
        await settle()
      }
      elapsedMs = untilMs
    },
  }
}

/** Lets everything run that waits for nothing but its turn in the event loop. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
