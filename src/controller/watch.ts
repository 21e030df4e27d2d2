import type { Clock } from '../lib/clock.ts'
import { createTrigger } from './trigger.ts'

/** A target whose data is watched for changes. */
export interface WatchedTarget {
  /** Its `targetKey`. */
  key: string
  settleSeconds: number
  /** Walks the data once. The answer stays the same as long as the data does. */
  fingerprint(signal: AbortSignal): Promise<string>
}

/** What is known of the data of a target: every walk from `since` to `seen` has found the same. */
export interface Observation {
  fingerprint: string
  since: Date
  seen: Date
}

/**
 * Walks the data of on-change targets, one target at a time and beside the passes, so that a file system that hangs delays no schedule.
 * Observations are lost with the process. That costs one settle time.
 */
export interface Watch {
  /** Replaces the list of the targets that are watched. The observations of targets that stay are kept. */
  setTargets(targets: WatchedTarget[]): void
  /** By key: the newest observation, or the error of the newest walk. A target that was not walked yet has none. */
  observations(): ReadonlyMap<string, Observation | Error>
  /** Works until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>
}

/** The next walk of a target begins after a quarter of its settle time, but not before ten times as long as the last walk took. */
const walksPerSettle = 4
const intervalPerWalk = 10
const shortestIntervalMs = 1000
/** A timer cannot wait for much longer. Waking up without need does no harm. */
const longestSleepMs = 3_600_000

/** `onUpdate` is called when data has changed, has become stable for its settle time, or could not be read. */
export function createWatch(clock: Clock, onUpdate: () => void): Watch {
  const watched = new Map<string, WatchedTarget>()
  const dueMs = new Map<string, number>()
  const observations = new Map<string, Observation | Error>()
  const trigger = createTrigger(clock)

  const nextDue = () => {
    const [next] = [...watched.values()].toSorted((a, b) => (dueMs.get(a.key) ?? 0) - (dueMs.get(b.key) ?? 0))
    return { next, waitMs: next ? (dueMs.get(next.key) ?? 0) - clock.monotonicMs() : longestSleepMs }
  }
  const walk = async (target: WatchedTarget, signal: AbortSignal) => {
    const began = clock.now()
    const beganMs = clock.monotonicMs()
    const outcome = await target.fingerprint(signal).catch((error: unknown) => asError(error))
    const endedMs = clock.monotonicMs()
    if (!watched.has(target.key)) return
    dueMs.set(target.key, endedMs + intervalMs(target.settleSeconds, endedMs - beganMs))
    const before = observations.get(target.key)
    const now = outcome instanceof Error ? outcome : continueObservation(before, outcome, { began, ended: clock.now() })
    observations.set(target.key, now)
    if (isUpdate(before, now, target.settleSeconds)) onUpdate()
  }
  return {
    setTargets(targets) {
      const wanted = new Set(targets.map(({ key }) => key))
      for (const key of watched.keys()) {
        if (!wanted.has(key)) for (const memory of [watched, dueMs, observations]) memory.delete(key)
      }
      for (const target of targets) watched.set(target.key, target)
      trigger.fire()
    },
    observations: () => observations,
    async run(signal) {
      while (!signal.aborted) {
        const { next, waitMs } = nextDue()
        if (next && waitMs <= 0) await walk(next, signal)
        else await trigger.wait(Math.min(waitMs, longestSleepMs), signal).catch(() => undefined)
      }
    },
  }
}

const intervalMs = (settleSeconds: number, walkMs: number): number =>
  Math.max(shortestIntervalMs, (settleSeconds * 1000) / walksPerSettle, intervalPerWalk * walkMs)

/**
 * Data counts as stable from the END of the first walk that saw it: that walk may have missed what changed while it ran, but the next
 * one does not. A `since` in the future comes from a clock that has been set back, and does not count.
 */
function continueObservation(
  before: Observation | Error | undefined,
  fingerprint: string,
  walk: { began: Date; ended: Date },
): Observation {
  const same = before && !(before instanceof Error) && before.fingerprint === fingerprint && before.since <= walk.ended
  return { fingerprint, since: same ? before.since : walk.ended, seen: walk.began }
}

/** How long the data is known to have been stable. */
export const stableSeconds = ({ since, seen }: Observation): number => (seen.getTime() - since.getTime()) / 1000

function isUpdate(before: Observation | Error | undefined, now: Observation | Error, settleSeconds: number): boolean {
  if (now instanceof Error || before === undefined || before instanceof Error) return true
  if (before.fingerprint !== now.fingerprint) return true
  return stableSeconds(before) < settleSeconds && stableSeconds(now) >= settleSeconds
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
