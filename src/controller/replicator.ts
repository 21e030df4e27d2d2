import { isBusy } from '../job/hold-locks.ts'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { newestBackup } from '../report/newest-backup.ts'
import type { ObservedTargets } from '../report/observe.ts'
import { isReplicationDue, type ReplicationMemory } from './due-replication.ts'
import type { Jobs } from './jobs.ts'

/** Copies snapshots to the remote repository, beside the passes and the backups. */
export interface Replicator {
  /** Begins where it is due. */
  consider(observed: Pick<ObservedTargets, 'runs'>): void
  /** Whether one is going on. */
  isRunning(): boolean
  /** Resolves when what has begun has ended. */
  drain(): Promise<void>
}

/** `onEnd` is called whenever one has ended. Aborting the signal aborts it. Without a remote repository it does nothing. */
export function createReplicator(
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  { replicate }: Pick<Jobs, 'replicate'>,
  onEnd: () => void,
  signal: AbortSignal,
): Replicator {
  const memory: ReplicationMemory = { failures: 0 }
  let running: Promise<void> | undefined
  let known: string | undefined

  const note = (error: unknown) => {
    memory.failures++
    const text = String(error)
    // A remote repository that stays away is told of once.
    if (!signal.aborted && !isBusy(error) && text !== known)
      logFailure(log, 'snapshots could not be copied to the remote repository', error)
    known = text
  }
  const carryOut = async (work: NonNullable<Jobs['replicate']>, newest: string) => {
    try {
      await work(signal)
      if (known !== undefined) log.info('the remote repository can be used again')
      known = undefined
      Object.assign(memory, { failures: 0, newest })
    } catch (error) {
      note(error)
    }
    memory.endedMs = clock.monotonicMs()
    running = undefined
    onEnd()
  }
  return {
    consider({ runs }) {
      const newest = [...runs].map(([key, own]) => `${key} ${newestBackup(own)?.snapshot}`).join('\n')
      if (!replicate || running || !isReplicationDue(memory, newest, clock.monotonicMs())) return
      running = carryOut(replicate, newest)
    },
    isRunning: () => running !== undefined,
    drain: async () => await running,
  }
}
