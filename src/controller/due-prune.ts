import type { PruneState } from '../catalog/pruning.ts'
import type { Schedule } from '../labels/spec.ts'
import { type DueSlot, dueSlot } from '../plan/due.ts'

/** Each night, two hours after the backups of the default schedule, and an hour before its drills. */
export const pruneSchedule: Schedule = { kind: 'cron', expression: '0 4 * * *' }

/** Backups are waited for so long. Where they never end, their repository is pruned all the same: they need the room. */
const patienceMs = 4 * 3_600_000
const retryMs = 3_600_000

export interface PruneInput {
  state: PruneState
  now: Date
  /** The zone of the configuration. */
  timezone: string
  /** Whether a backup is due, queued or running, or snapshots are copied. */
  isBusy: boolean
}

/**
 * Decides whether old snapshots are to be removed now: once for each slot, the newest of those that were missed. It waits for backups, and
 * an hour after a failure. A time in the future is that of a clock that has been set back, and delays nothing.
 */
export function duePrune({ state, now, timezone, isBusy }: PruneInput): DueSlot {
  const due = dueSlot({ schedule: pruneSchedule, timezone }, state, now)
  if (!due.slot) return due
  const { last } = state
  const sinceMs = last ? now.getTime() - Date.parse(last.time) : -1
  if (last && last.outcome !== 'complete' && sinceMs >= 0 && sinceMs < retryMs)
    return { reason: `the last one failed at ${last.time}` }
  if (isBusy && now.getTime() - due.slot.getTime() < patienceMs) return { reason: 'backups come first' }
  return due
}
