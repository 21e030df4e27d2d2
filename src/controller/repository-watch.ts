import { asBackupError, BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Jobs } from './jobs.ts'

/** Knows whether the repository in which backups are stored is there, and is the one that is expected. */
export interface RepositoryWatch {
  /**
   * Asks the repository, and answers why no backup may begin. One that hangs is waited for once, for a short time, and is asked again only
   * when it has answered. Never rejects.
   */
  fault(signal: AbortSignal): Promise<BackupError | undefined>
}

/** A disk that sleeps needs so long to spin up. */
const patienceMs = 10_000

/** `onLate` is called when a repository answers for which nobody waits any more. */
export function createRepositoryWatch(
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  { askRepository }: Pick<Jobs, 'askRepository'>,
  onLate: () => void,
): RepositoryWatch {
  let fault: BackupError | undefined
  let isAsking = false
  const note = (found: BackupError | undefined) => {
    if (found && found.message !== fault?.message) logFailure(log, 'no backup begins', found)
    if (!found && fault) log.info('the repository can be used again')
    fault = found
  }
  const ask = async (signal: AbortSignal) => {
    isAsking = true
    const found = await askRepository(signal).then(() => undefined, asBackupError)
    isAsking = false
    if (!signal.aborted) note(found)
  }
  return {
    async fault(signal) {
      if (isAsking) return fault
      const over = new AbortController()
      const patience = clock.sleep(patienceMs, AbortSignal.any([over.signal, signal])).then(
        () => true,
        () => false,
      )
      const asked = ask(signal)
      const isLate = await Promise.race([asked.then(() => false), patience])
      over.abort()
      if (isLate) {
        note(new BackupError('REPOSITORY_UNREACHABLE', 'the local repository does not answer'))
        void asked.then(onLate)
      }
      return fault
    },
  }
}
