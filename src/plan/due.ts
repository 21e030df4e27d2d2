import type { ScheduleState } from '../catalog/catalog.ts'
import { cronSlots } from '../labels/schedule.ts'
import type { Schedule } from '../labels/spec.ts'

/** The newest slot at or before `now`. Undefined where the schedule has no slots (`on-change`, `manual`). */
export function previousSlot(schedule: Schedule, timezone: string, now: Date): Date | undefined {
  if (schedule.kind !== 'cron') return undefined
  // croner excludes the given instant itself, so it is asked for the slot before the next second.
  const justAfter = new Date(now.getTime() + 1)
  return cronSlots(schedule.expression, timezone).previousRuns(1, justAfter)[0]
}

/** The first slot after `now`. Undefined where the schedule has no slots. */
export function nextSlot(schedule: Schedule, timezone: string, now: Date): Date | undefined {
  if (schedule.kind !== 'cron') return undefined
  return cronSlots(schedule.expression, timezone).nextRun(now) ?? undefined
}

/** The slot that is to be run now, if any. The reason explains either decision. */
export interface DueSlot {
  slot?: Date
  reason: string
}

/** A due slot that is older than this counts as missed. */
const punctualSeconds = 120

/**
 * Decides whether a slot is due. Of several missed slots only the newest is run, and none before the target was first seen.
 * A recorded slot beyond the next one can only come from a clock that has been set back since. It is ignored, because one extra
 * backup does less harm than none until that time comes again. Otherwise a repeated hour runs nothing twice.
 */
export function dueSlot(target: { schedule: Schedule; timezone: string }, state: ScheduleState, now: Date): DueSlot {
  const slot = previousSlot(target.schedule, target.timezone, now)
  if (!slot) return { reason: target.schedule.kind === 'cron' ? 'no slot has come yet' : target.schedule.kind }
  if (!state.firstSeen || slot < new Date(state.firstSeen))
    return { reason: `slot ${slot.toISOString()} was before the target was first seen` }
  const last = state.lastSlot === undefined ? undefined : new Date(state.lastSlot)
  const next = nextSlot(target.schedule, target.timezone, now)
  if (last && next && last > next)
    return { slot, reason: `slot ${slot.toISOString()}: the clock was set back, ${state.lastSlot} is to come` }
  if (last && slot <= last) return { reason: `slot ${slot.toISOString()} was run` }
  const lateSeconds = (now.getTime() - slot.getTime()) / 1000
  return { slot, reason: `slot ${slot.toISOString()} ${lateSeconds > punctualSeconds ? 'was missed' : 'has come'}` }
}
