import { BackupError } from '../errors.ts'
import type { Clock } from './clock.ts'

/**
 * Makes a signal that aborts when `signal` does, or after `seconds` with a TIMEOUT error, which names `what` was waited for and carries
 * the hint. It MUST be disposed.
 */
export function withDeadline(
  signal: AbortSignal,
  seconds: number,
  what: string,
  hint?: string,
): AbortSignal & Disposable {
  const controller = new AbortController()
  const expire = () =>
    controller.abort(new BackupError('TIMEOUT', `${what}: no end after ${seconds} s`, { ...(hint && { hint }) }))
  const timer = setTimeout(expire, seconds * 1000)
  const follow = () => controller.abort(signal.reason)
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  const release = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', follow)
  }
  return Object.assign(controller.signal, { [Symbol.dispose]: release })
}

/**
 * Starts work and ends with it, or with the signal where the work does not end by itself. The work is then left alone: what becomes of
 * it is up to the caller.
 */
export async function settleWith<T>(signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([start(signal), aborted])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/**
 * Seconds for a command that goes through all of the data: a dump, a restore, a count. It is longer than any of them takes, and only ends
 * a command that would hang for ever.
 */
export const longSeconds = 24 * 3600

export interface PollOptions {
  /** What is waited for, as the TIMEOUT error names it. */
  what: string
  seconds: number
  /** Milliseconds between the first two calls. The pause grows by half each time, up to ten times as much. Default 50. */
  everyMs?: number
  clock: Clock
  signal: AbortSignal
}

/** Calls `observe` until it answers something other than undefined or false, and answers that. Throws TIMEOUT after `seconds`. */
export async function poll<T>(observe: () => Promise<T | undefined | false>, options: PollOptions): Promise<T> {
  using deadline = withDeadline(options.signal, options.seconds, options.what)
  const first = options.everyMs ?? 50
  for (let pause = first; ; pause = Math.min(pause * 1.5, first * 10)) {
    deadline.throwIfAborted()
    const observed = await observe()
    if (observed !== undefined && observed !== false) return observed
    await options.clock.sleep(pause, deadline).catch((error) => {
      throw deadline.aborted ? deadline.reason : error
    })
  }
}
