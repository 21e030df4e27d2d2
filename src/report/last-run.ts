import type { Outcome, Run, RunKind } from '../catalog/catalog.ts'
import type { ErrorReport } from '../errors.ts'
import { isInFuture } from '../plan/dated.ts'

/** The newest backup of a target that has ended, as `status --json` prints it. */
export interface LastRun {
  run: string
  kind: RunKind
  outcome: Outcome
  /** ISO 8601 UTC: when it ended. */
  time: string
  /** How long each container was down or paused for it, by its name. Absent where none was. */
  heldSeconds?: Record<string, number>
  error?: ErrorReport
}

/**
 * Chooses the newest run from `runs`, which are newest first by their start; null without any. A run that was refused because another
 * one worked on the target says nothing about the target, and a time in the future is that of a wrong clock.
 */
export function lastRun(runs: readonly Run[], now: Date): LastRun | null {
  const ended = runs.flatMap(({ id, kind, outcome, finished, heldSeconds, error }): LastRun[] =>
    outcome === undefined || finished === undefined || error?.code === 'BUSY' || isInFuture(finished, now)
      ? []
      : [{ run: id, kind, outcome, time: finished, ...(heldSeconds && { heldSeconds }), ...(error && { error }) }],
  )
  return ended.reduce<LastRun | null>((last, each) => (last && last.time >= each.time ? last : each), null)
}
