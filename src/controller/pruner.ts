import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { duePrune } from './due-prune.ts'
import type { Jobs } from './jobs.ts'

/** Removes old snapshots once a night, beside the passes. */
export interface Pruner {
  /** Begins where a slot is due. `isBusy`: whether a backup is due, queued or running, or snapshots are copied. */
  consider(isBusy: boolean): void
  /** Resolves when what has begun has ended. */
  drain(): Promise<void>
}

/** One that could not begin, or leaves no record, is not tried again sooner. */
const restMs = 60_000

/** `onEnd` is called whenever one has ended. Aborting the signal aborts it. */
export function createPruner(
  { catalog, clock, log, settings }: Pick<Parts, 'catalog' | 'clock' | 'log' | 'settings'>,
  { prune }: Pick<Jobs, 'prune'>,
  onEnd: () => void,
  signal: AbortSignal,
): Pruner {
  let running: Promise<void> | undefined
  let restsUntilMs = Number.NEGATIVE_INFINITY

  const carryOut = async (slot: Date) => {
    try {
      if (await prune(signal)) catalog.savePruneState({ lastSlot: slot.toISOString() })
    } catch (error) {
      if (!signal.aborted) logFailure(log, 'old snapshots could not be removed', error)
    }
    restsUntilMs = clock.monotonicMs() + restMs
    running = undefined
    onEnd()
  }
  return {
    consider(isBusy) {
      if (running || clock.monotonicMs() < restsUntilMs) return
      const now = clock.now()
      const state = catalog.pruneState()
      // A time in the future is that of a clock that has been set back: slots before it would never come.
      if (state.firstSeen === undefined || new Date(state.firstSeen) > now)
        return catalog.savePruneState({ firstSeen: now.toISOString() })
      const { slot, reason } = duePrune({ state, now, timezone: settings.timezone, isBusy })
      if (!slot) return
      log.info({ reason }, 'old snapshots are removed')
      running = carryOut(slot)
    },
    drain: async () => await running,
  }
}
