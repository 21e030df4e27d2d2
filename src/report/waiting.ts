import type { ScheduleState } from '../catalog/catalog.ts'
import type { Target } from '../plan/plan.ts'

/** A change of an on-change target that is not captured yet. Times are ISO 8601 UTC. */
export interface Waiting {
  /** When a walk found the newest change. */
  lastChange: string
  lastChangeSeconds: number
  /** When the data is captured even if it is not still by then. */
  atLatest: string
}

/** Null where nothing waits, or where no walk has read the data yet. */
export function reportWaiting({ schedule, spec }: Target, state: ScheduleState, now: Date): Waiting | null {
  const { changedSince, seenSince } = state
  if (schedule.kind !== 'on-change' || changedSince === undefined || seenSince === undefined) return null
  return {
    lastChange: seenSince,
    lastChangeSeconds: Math.max(0, (now.getTime() - Date.parse(seenSince)) / 1000),
    atLatest: new Date(Date.parse(changedSince) + spec.maxWaitSeconds * 1000).toISOString(),
  }
}
