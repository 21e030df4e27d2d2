import type { ScheduleState } from '../catalog/catalog.ts'
import { cronSlots } from '../labels/schedule.ts'
import type { Schedule } from '../labels/spec.ts'

/** The newest slot at or before `now`; undefined where the schedule knows no slots (`on-change`, `manual`). */
export function previousSlot(schedule: Schedule, timezone: string, now: Date): Date | undefined {
  if (schedule.kind !== 'cron') return undefined
  // croner leaves the instant itself out, but for an earlier part of its second.
  const justAfter = new Date(now.getTime() + 1)
  return cronSlots(schedule.expression, timezone).previousRuns(1, justAfter)[0]
}

/** The first slot after `now`; undefined where the schedule knows no slots. */
export function nextSlot(schedule: Schedule, timezone: string, now: Date): Date | undefined {
  if (schedule.kind !== 'cron') return undefined
  return cronSlots(schedule.expression, timezone).nextRun(now) ?? undefined
}

/** A slot that is to be run now, or none; the reason says why either way. */
export interface DueSlot {
  slot?: Date
  reason: string
}

/** A slot older than this when it is found due was missed, not merely waited for. */
const punctualSeconds = 120

/**
 * Whether a slot waits to be run. Of several missed ones only the newest does; those before the target was first seen never do.
 * A recorded slot beyond the next one can only come from a clock that has been set back since: it is not believed, because one
 * extra backup harms less than none until that time comes again. Within that, a repeated hour runs nothing twice.
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
