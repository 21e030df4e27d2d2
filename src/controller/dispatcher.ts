import { asBackupError } from '../errors.ts'
import type { BackupResult, Parts } from '../job/job.ts'
import { targetKey } from '../plan/plan.ts'
import type { Jobs } from './jobs.ts'
import { createQueue } from './queue.ts'
import type { Action, Assignment } from './reconcile.ts'

/** Has actions worked on, a bounded number at once, and remembers what they got done. */
export interface Dispatcher {
  /** An action on a target that is worked on already is dropped: the next pass decides anew. */
  dispatch(actions: Action[]): void
  /** Targets that are queued or worked on. */
  busy(): ReadonlySet<string>
  /** Targets whose last run failed a moment ago. */
  held(): ReadonlySet<string>
  /** Settles when all that has begun has ended; nothing more begins. */
  drain(): Promise<void>
}

/** A run that ends at once (another process holds the target, the engine is away) must not be started again at once. */
const holdMs = 60_000

export function createDispatcher(
  parts: Pick<Parts, 'catalog' | 'clock' | 'log'>,
  options: { concurrency: number; backup: Jobs['backup']; onEnd: () => void },
  signal: AbortSignal,
): Dispatcher {
  const { catalog, clock, log } = parts
  const queue = createQueue(options.concurrency)
  const heldUntilMs = new Map<string, number>()

  const conclude = ({ target, remember }: Assignment, results: BackupResult[]) => {
    const result = results.find(({ project, target: name }) => project === target.project && name === target.name)
    if (result && result.outcome !== 'failed') catalog.saveSchedule(target.project, target.name, remember)
    else heldUntilMs.set(targetKey(target), clock.monotonicMs() + holdMs)
  }
  const work = async (action: Action) => {
    const { targets, cause, reason } = action
    const keys = keysOf(action)
    log.info({ targets: keys, cause, reason }, 'backup begins')
    const wanted = targets.map(({ target }) => target)
    try {
      const results = await options.backup(wanted, cause, signal)
      for (const assignment of targets) conclude(assignment, results)
    } catch (error) {
      for (const key of keys) heldUntilMs.set(key, clock.monotonicMs() + holdMs)
      log.error({ err: asBackupError(error), targets: keys }, 'backup ended without a result')
    }
    options.onEnd()
  }
  return {
    dispatch(actions) {
      for (const action of actions) queue.add(keysOf(action), () => work(action))
    },
    busy: queue.busy,
    held: () => new Set([...heldUntilMs].filter(([, until]) => until > clock.monotonicMs()).map(([key]) => key)),
    drain: queue.drain,
  }
}

const keysOf = ({ targets }: Action): string[] => targets.map(({ target }) => targetKey(target))
