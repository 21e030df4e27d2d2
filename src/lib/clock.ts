import { setTimeout as delay } from 'node:timers/promises'

/** Time as an argument: decisions take a Date, effects take a Clock. Only this file reads the real one. */
export interface Clock {
  now(): Date
  /** Milliseconds of a clock that never jumps; only differences mean something. */
  monotonicMs(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(Date.now()),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
}
