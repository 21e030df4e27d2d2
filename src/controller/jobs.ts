import { runDrills } from '../drill/run.ts'
import { runBackupIfFree } from '../job/backup/if-free.ts'
import { isBusy } from '../job/hold-locks.ts'
import type { BackupResult, Parts } from '../job/job.ts'
import { resolveHostPath } from '../job/method-context.ts'
import { pruneWhole } from '../job/prune-whole.ts'
import { findLeftovers, type Leftover } from '../job/recover/leftovers.ts'
import { sweepRepositories } from '../job/recover/sweep.ts'
import { finishLeftover, type Recovery } from '../job/recover.ts'
import { replicate } from '../job/replicate.ts'
import { captureTier, remoteTier, repositoryOf } from '../job/repositories.ts'
import { sweepScratch } from '../job/scratch.ts'
import { fingerprintTree } from '../lib/tree/in-child.ts'
import { engineDevices } from '../methods/shared/engine-devices.ts'
import type { Target } from '../plan/plan.ts'

/** The work that the controller starts. Tests give their own. */
export interface Jobs {
  /**
   * Backs up the targets of one window in one run. `cause` becomes the reason of the snapshots. Answers undefined, and has done
   * nothing, while another run holds a target or a container of theirs.
   */
  backup(targets: Target[], cause: 'schedule' | 'change', signal: AbortSignal): Promise<BackupResult[] | undefined>
  /** Resolves when the repository of new backups has answered that it is the expected one; rejects with the reason why it is not. */
  askRepository(signal: AbortSignal): Promise<void>
  /** Answers what dead runs left behind and nobody works on. */
  leftovers(): Leftover[]
  /** Finishes what one dead run left behind. `known`: the problems of the last attempt, which are not logged again. */
  recover(leftover: Leftover, signal: AbortSignal, known: string[]): Promise<Recovery>
  /**
   * Removes the snapshots that retention does not keep, and records how that ended. Answers false where it has failed. Throws BUSY while
   * another process does so.
   */
  prune(signal: AbortSignal): Promise<boolean>
  /** Copies snapshots to the remote repository. Absent where none is configured. Throws BUSY while another process does so. */
  replicate?(signal: AbortSignal): Promise<unknown>
  /**
   * Drills targets together. Answers false, and has done nothing, while another run drills one of them. A drill that failed, or could not
   * run, has been done.
   */
  drill(targets: Target[], signal: AbortSignal): Promise<boolean>
  /** Removes what dead runs left in the repositories, and from time to time what drills of dead processes left in the engine. */
  sweep(signal: AbortSignal): Promise<void>
  /** Walks the captured data of a target. The answer stays the same as long as the data does. */
  fingerprint(target: Target, signal: AbortSignal): Promise<string>
}

const scratchEveryMs = 15 * 60_000

export function realJobs(parts: Parts): Jobs {
  let scratchDueMs = Number.NEGATIVE_INFINITY
  return {
    backup: async (targets, reason, signal) => (await runBackupIfFree(parts, targets, { reason }, signal))?.targets,
    askRepository: async (signal) => void (await repositoryOf(parts, captureTier).identity(signal)),
    leftovers: () => findLeftovers(parts.catalog),
    recover: (leftover, signal, known) => finishLeftover(parts, leftover, signal, known),
    prune: async (signal) => (await pruneWhole(parts, { sparesPause: true }, signal)).every(({ error }) => !error),
    ...(parts.repositories.has(remoteTier) && { replicate: (signal) => replicate(parts, signal) }),
    drill: async (targets, signal) => {
      try {
        await runDrills(parts, targets, { trigger: 'schedule' }, signal)
        return !signal.aborted
      } catch (error) {
        if (isBusy(error)) return false
        throw error
      }
    },
    sweep: async (signal) => {
      await sweepRepositories(parts, signal)
      if (parts.clock.monotonicMs() < scratchDueMs) return
      scratchDueMs = parts.clock.monotonicMs() + scratchEveryMs
      await sweepScratch(parts, signal)
    },
    async fingerprint({ container, paths, spec }, signal) {
      const scope = { exclude: spec.exclude, skipDevices: engineDevices }
      const fingerprints: string[] = []
      for (const path of paths)
        fingerprints.push(await fingerprintTree(resolveHostPath(parts, container, path), scope, signal))
      return fingerprints.join(' ')
    },
  }
}
