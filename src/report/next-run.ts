import { nextSlot } from '../plan/due.ts'
import type { Target } from '../plan/plan.ts'

/** ISO 8601 UTC of the next cron slot of a target; null where its schedule has no slots. */
export const nextRun = ({ schedule, timezone }: Target, now: Date): string | null =>
  nextSlot(schedule, timezone, now)?.toISOString() ?? null
