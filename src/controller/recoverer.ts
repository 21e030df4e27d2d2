import { asBackupError, BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import type { Leftover } from '../job/recover/leftovers.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Jobs } from './jobs.ts'
import { createQueue } from './queue.ts'

/** Finishes what dead runs left behind, beside the passes: a roll back may take hours, and no pass waits for it. */
export interface Recoverer {
  /** Queues what was left behind and is not queued yet. What has just failed is left alone for a minute. */
  begin(): void
  /** Why something could not be finished, as far as it is not finished since. */
  errors(): BackupError[]
  /** Drops what has not begun, and resolves when the rest has ended. */
  drain(): Promise<void>
}

/** Most of them only wait: for a container to be healthy, or for the lock of a container that a roll back needs. */
const concurrency = 16
const backoffMs = 60_000
const sweepKey = 'sweep'

/** Work that could not be finished, by its keys. */
interface Failure {
  keys: string[]
  errors: BackupError[]
  atMs: number
}

/** `onDone` is called whenever something was finished. Aborting the signal aborts the work. */
export function createRecoverer(
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  jobs: Pick<Jobs, 'leftovers' | 'recover' | 'sweep'>,
  onDone: () => void,
  signal: AbortSignal,
): Recoverer {
  const queue = createQueue(clock, concurrency)
  let failures: Failure[] = []
  const isResting = (keys: string[]) =>
    failures.some((one) => sharesKey(one.keys, keys) && clock.monotonicMs() - one.atMs < backoffMs)

  const conclude = (keys: string[], errors: BackupError[]) => {
    failures = failures.filter((one) => !sharesKey(one.keys, keys))
    if (errors.length > 0) failures.push({ keys, errors, atMs: clock.monotonicMs() })
  }
  const knownProblems = (keys: string[]) =>
    failures.filter((one) => sharesKey(one.keys, keys)).flatMap(({ errors }) => errors.map(({ message }) => message))
  /** Logs what failed as a whole, once while it stays. A job logs by itself what it could not finish. */
  const noteFailure = (keys: string[], error: unknown) => {
    const failure = asBackupError(error)
    if (!signal.aborted && !knownProblems(keys).includes(failure.message)) logFailure(log, 'recovery failed', failure)
    return [failure]
  }
  const add = (keys: string[], work: () => Promise<BackupError[]>) => {
    const run = async () => {
      const errors = await work().catch((error: unknown) => noteFailure(keys, error))
      if (!signal.aborted) conclude(keys, errors)
      return true
    }
    if (!isResting(keys)) queue.add({ keys, needs: [], run })
  }
  const finish = async (leftover: Leftover) => {
    const { done, problems } = await jobs.recover(leftover, signal, knownProblems(leftover.ids.map(String)))
    if (done.length > 0) onDone()
    return problems.map((problem) => new BackupError('RESUME_FAILED', problem))
  }
  return {
    begin() {
      const leftovers = jobs.leftovers().map((leftover) => ({ leftover, keys: leftover.ids.map(String) }))
      const known = [sweepKey, ...queue.active(), ...leftovers.flatMap(({ keys }) => keys)]
      failures = failures.filter(({ keys }) => sharesKey(keys, known))
      for (const { leftover, keys } of leftovers) add(keys, () => finish(leftover))
      add([sweepKey], async () => {
        await jobs.sweep(signal)
        return []
      })
    },
    errors: () => failures.flatMap(({ errors }) => errors),
    drain: queue.drain,
  }
}

const sharesKey = (some: string[], others: string[]): boolean => some.some((key) => others.includes(key))
