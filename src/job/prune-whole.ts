import type { PruneEnd } from '../catalog/pruning.ts'
import { reportError } from '../errors.ts'
import { logFailure, logReport } from '../lib/log-failure.ts'
import { isBusy } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { type PrunedRepository, prune, pruneOutcome } from './prune.ts'

/**
 * Prunes all repositories and all targets, records the end for `status`, and logs a line that sums up. A catalog that cannot be written must
 * not hide what was done.
 */
export async function pruneWhole(
  parts: Parts,
  how: { sparesPause?: boolean },
  signal: AbortSignal,
): Promise<PrunedRepository[]> {
  const record = (end: Omit<PruneEnd, 'time'>) => {
    try {
      parts.catalog.savePruneState({ last: { time: parts.clock.now().toISOString(), ...end } })
    } catch (error) {
      logFailure(parts.log, 'the end of the removal could not be recorded', error)
    }
  }
  try {
    const request = { tiers: [...parts.repositories.keys()], all: false, dryRun: false, ...how }
    const pruned = await prune(parts, request, signal)
    record(summarise(parts, pruned))
    return pruned
  } catch (error) {
    // Another process that prunes records its own end, and who is interrupted has not failed.
    if (!isBusy(error) && !signal.aborted)
      record({ outcome: 'failed', removed: 0, freedBytes: 0, error: reportError(error) })
    throw error
  }
}

function summarise({ log }: Parts, pruned: PrunedRepository[]): Omit<PruneEnd, 'time'> {
  for (const { tier, error } of pruned) if (error) logReport(log, 'old snapshots could not be removed', error, { tier })
  const removed = pruned.flatMap(({ remove }) => remove)
  const freedBytes = removed.reduce((sum, { snapshot }) => sum + snapshot.storedBytes, 0)
  const kept = pruned.flatMap(({ keep }) => keep)
  const unknown = [...new Set(pruned.flatMap((one) => one.unknown))]
  log.info({ removed: removed.length, freedBytes, kept: kept.length, unknown }, 'old snapshots were removed')
  const error = pruned.find((one) => one.error)?.error
  return { outcome: pruneOutcome(pruned), removed: removed.length, freedBytes, ...(error && { error }) }
}
