import { setTimeout as delay } from 'node:timers/promises'

/** The clock that effects are given. Decisions are given a Date instead. No other file reads the time of the system. */
export interface Clock {
  now(): Date
  /** Milliseconds of a clock that never jumps. Only differences between two readings mean something. */
  monotonicMs(): number
  /** Rejects with an AbortError when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(Date.now()),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
}
