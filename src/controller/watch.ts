import type { Clock } from '../lib/clock.ts'
import { createAlarm } from './trigger.ts'

/** One target whose data is watched for changes. */
export interface Watched {
  key: string
  settleSeconds: number
  /** Walks the data once. */
  fingerprint(signal: AbortSignal): Promise<string>
}

/** What is known of the data of a target: it was the same in every walk from `since` to `seen`. */
export interface Observation {
  fingerprint: string
  since: Date
  seen: Date
}

/**
 * Walks the data of on-change targets, one at a time and beside the passes: a file system that hangs delays no schedule. What it saw
 * is lost with the process, which costs one settle time.
 */
export interface Watch {
  /** From now on watches exactly these. */
  follow(targets: Watched[]): void
  /** The newest observation, or the error of the newest walk, of each target that was walked. */
  observations(): ReadonlyMap<string, Observation | Error>
  /** Works until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>
}

/** A walk begins at the earliest a quarter of the settle time, and ten times its own duration, after the one before. */
const walksPerSettle = 4
const restPerWalk = 10
const leastRestMs = 1000
/** A timer takes no longer wait; waking up for nothing is no harm. */
const longestSleepMs = 3_600_000

/** `onNews` is called when data turns out to have changed, to be still for its settle time, or not to be readable. */
export function createWatch(clock: Clock, onNews: () => void): Watch {
  const followed = new Map<string, Watched>()
  const dueMs = new Map<string, number>()
  const observations = new Map<string, Observation | Error>()
  const alarm = createAlarm(clock)

  const nextDue = () => {
    const [next] = [...followed.values()].toSorted((a, b) => (dueMs.get(a.key) ?? 0) - (dueMs.get(b.key) ?? 0))
    return { next, waitMs: next ? (dueMs.get(next.key) ?? 0) - clock.monotonicMs() : longestSleepMs }
  }
  const walk = async (target: Watched, signal: AbortSignal) => {
    const began = clock.now()
    const beganMs = clock.monotonicMs()
    const outcome = await target.fingerprint(signal).catch((error: unknown) => asError(error))
    const endedMs = clock.monotonicMs()
    if (!followed.has(target.key)) return
    const restMs = Math.max(
      leastRestMs,
      (target.settleSeconds * 1000) / walksPerSettle,
      restPerWalk * (endedMs - beganMs),
    )
    dueMs.set(target.key, endedMs + restMs)
    const before = observations.get(target.key)
    const now = outcome instanceof Error ? outcome : continueObservation(before, outcome, { began, ended: clock.now() })
    observations.set(target.key, now)
    if (isNews(before, now, target.settleSeconds)) onNews()
  }
  return {
    follow(targets) {
      const wanted = new Set(targets.map(({ key }) => key))
      for (const key of followed.keys()) {
        if (!wanted.has(key)) for (const memory of [followed, dueMs, observations]) memory.delete(key)
      }
      for (const target of targets) followed.set(target.key, target)
      alarm.ring()
    },
    observations: () => observations,
    async run(signal) {
      while (!signal.aborted) {
        const { next, waitMs } = nextDue()
        if (next && waitMs <= 0) await walk(next, signal)
        else await alarm.wait(Math.min(waitMs, longestSleepMs), signal).catch(() => undefined)
      }
    },
  }
}

/**
 * The same data is still since the end of the first walk that saw it: what changed in mid-walk may have been missed by that one, but
 * not by the next. A `since` in the future is left from a clock that was set back.
 */
function continueObservation(
  before: Observation | Error | undefined,
  fingerprint: string,
  walk: { began: Date; ended: Date },
): Observation {
  const same = before && !(before instanceof Error) && before.fingerprint === fingerprint && before.since <= walk.ended
  return { fingerprint, since: same ? before.since : walk.ended, seen: walk.began }
}

/** How long the data is known to have been still. */
export const stillSeconds = ({ since, seen }: Observation): number => (seen.getTime() - since.getTime()) / 1000

function isNews(before: Observation | Error | undefined, now: Observation | Error, settleSeconds: number): boolean {
  if (now instanceof Error || before === undefined || before instanceof Error) return true
  if (before.fingerprint !== now.fingerprint) return true
  return stillSeconds(before) < settleSeconds && stillSeconds(now) >= settleSeconds
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
