import { asBackupError, BackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { ObservedTargets } from '../report/observe.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Driller } from './driller.ts'
import type { Jobs } from './jobs.ts'
import { observeForPass } from './observe.ts'
import type { Pruner } from './pruner.ts'
import { type Action, type ReconcileInput, reconcile } from './reconcile.ts'
import type { Recoverer } from './recoverer.ts'
import type { Replicator } from './replicator.ts'
import type { RepositoryWatch } from './repository-watch.ts'
import type { Watch } from './watch.ts'

/** What one reconcile pass has seen and done. It is a plain record, for the reports that are made of it. */
export interface Pass {
  /** When the pass ended. */
  at: Date
  /** How long it took. */
  seconds: number
  /**
   * What reports are computed from, together with the repositories at the moment of the report. After a failed pass it is that of the
   * newest pass that succeeded.
   */
  observed: ObservedTargets | undefined
  actions: Action[]
  /** Keys of the targets that were queued or being backed up when the pass ended. */
  active: string[]
  /** What could not be recovered, listed or read. */
  errors: BackupError[]
  /** Why no backup may begin in the repository. Undefined where it answered, and is the expected one. */
  repositoryFault: BackupError | undefined
  /** How many passes in a row have failed to observe the stack, this one included. */
  failures: number
}

/** What the passes of one controller share. */
export interface Components {
  jobs: Jobs
  watch: Watch
  dispatcher: Dispatcher
  recoverer: Recoverer
  pruner: Pruner
  driller: Driller
  replicator: Replicator
  repository: RepositoryWatch
  /** The problems that the last pass knew, as text: a problem that stays is logged once. */
  loggedProblems: Set<string>
}

/**
 * Queues recoveries, observes, decides and dispatches. It waits for no recovery, and a thing that cannot be recovered stops no backup of
 * others. Without a list of the containers nothing can be decided, and the pass has failed. No backup begins while the repository is away
 * or another one. The pass only asks which one it is, and one that hangs stops no other work.
 */
export async function runPass(
  parts: Parts,
  components: Components,
  before: Pass | undefined,
  signal: AbortSignal,
): Promise<Pass> {
  const errors: BackupError[] = []
  const begunMs = parts.clock.monotonicMs()
  const recordError = (message: string) => (error: unknown) => {
    if (signal.aborted) return undefined
    const err = asBackupError(error)
    errors.push(err)
    logFailure(parts.log, message, err)
  }
  attempt(() => components.recoverer.begin(), recordError('recovery failed'))
  errors.push(...components.recoverer.errors())
  const input = await observeForPass(parts, components, signal).catch(recordError('pass failed'))
  if (input) errors.push(...logNewProblems(parts, input, components.loggedProblems))
  const fault = await components.repository.fault(signal)
  if (fault) errors.push(fault)
  const actions = input && !fault && !signal.aborted ? reconcile(input) : []
  components.dispatcher.dispatch(actions)
  if (input && !fault && !signal.aborted) {
    components.replicator.consider(input)
    const { dispatcher, pruner, driller, replicator } = components
    // Backups and copies come first: a removal needs the repositories for itself.
    const isBusy = dispatcher.active().size > 0 || replicator.isRunning()
    attempt(() => pruner.consider(isBusy), recordError('old snapshots are not removed'))
    attempt(() => driller.consider(input, dispatcher.active()), recordError('no drill begins'))
  }
  return {
    at: parts.clock.now(),
    seconds: (parts.clock.monotonicMs() - begunMs) / 1000,
    observed: input ?? before?.observed,
    actions,
    active: [...components.dispatcher.active()],
    errors,
    repositoryFault: fault,
    failures: input ? 0 : (before?.failures ?? 0) + 1,
  }
}

/** A catalog that cannot be read keeps one part of a pass from its work, and no other one. */
function attempt(work: () => void, recordError: (error: unknown) => void): void {
  try {
    work()
  } catch (error) {
    recordError(error)
  }
}

/** Logs the problems of labels, and the data that cannot be watched, when they appear. Answers the errors of the latter. */
function logNewProblems({ log }: Parts, { plan, observations }: ReconcileInput, logged: Set<string>): BackupError[] {
  const unwatched = [...observations].flatMap(([target, observation]) => {
    if (!(observation instanceof Error)) return []
    const { code, message, hint } = asBackupError(observation)
    return [new BackupError(code, `${target}: ${message}`, { hint, cause: observation })]
  })
  const problems = new Map([
    ...plan.problems.map((problem) => [JSON.stringify(problem), () => log.warn(problem, 'label problem')] as const),
    ...unwatched.map(
      (err) =>
        [err.message, () => logFailure(log, 'data cannot be watched for changes', err, { level: 'warn' })] as const,
    ),
  ])
  for (const [key, write] of problems) if (!logged.has(key)) write()
  logged.clear()
  for (const key of problems.keys()) logged.add(key)
  return unwatched
}
