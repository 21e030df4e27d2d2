import type { BackupResult, Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { targetKey } from '../plan/plan.ts'
import type { Jobs } from './jobs.ts'
import { createQueue } from './queue.ts'
import type { Action, ActionTarget } from './reconcile.ts'

/** Carries actions out, a limited number at once, and records in the schedules what they have done. */
export interface Dispatcher {
  /** Queues the actions. An action on a target that is active is dropped, because the next pass decides anew. */
  dispatch(actions: Action[]): void
  /** Keys of the targets that are queued or being backed up. */
  active(): ReadonlySet<string>
  /** Keys of the targets whose last run failed less than a minute ago. */
  backedOff(): ReadonlySet<string>
  /** Drops the actions that have not begun, and resolves when the others have ended. */
  drain(): Promise<void>
}

/** A run may fail at once, and leave no record, when another process holds the target or the engine is away. */
const backoffMs = 60_000

/** `onEnd` is called whenever an action has ended. Aborting the signal aborts the running backups. */
export function createDispatcher(
  parts: Pick<Parts, 'catalog' | 'clock' | 'log'>,
  options: { concurrency: number; backup: Jobs['backup']; onEnd: () => void },
  signal: AbortSignal,
): Dispatcher {
  const { catalog, clock, log } = parts
  const queue = createQueue(clock, options.concurrency)
  const backedOffUntilMs = new Map<string, number>()
  const backOff = (key: string) => backedOffUntilMs.set(key, clock.monotonicMs() + backoffMs)

  const conclude = ({ target, onSuccess }: ActionTarget, results: BackupResult[]) => {
    const result = results.find(({ project, target: name }) => project === target.project && name === target.name)
    if (result && result.outcome !== 'failed') catalog.saveSchedule(target.project, target.name, onSuccess)
    else backOff(targetKey(target))
  }
  /** Answers false where another process holds what the action needs. */
  const carryOut = async (action: Action): Promise<boolean> => {
    const { targets, cause } = action
    const keys = keysOf(action)
    try {
      const results = await options.backup(
        targets.map(({ target }) => target),
        cause,
        signal,
      )
      if (!results) return false
      for (const target of targets) conclude(target, results)
    } catch (error) {
      keys.forEach(backOff)
      logFailure(log, 'backup ended without a result', error, { targets: keys })
    }
    options.onEnd()
    return true
  }
  return {
    dispatch(actions) {
      for (const action of actions) {
        const { cause, reason } = action
        const work = { keys: keysOf(action), needs: containersOf(action), run: () => carryOut(action) }
        if (queue.add(work)) log.info({ targets: work.keys, trigger: cause, reason }, 'backup is queued')
      }
    },
    active: queue.active,
    backedOff: () =>
      new Set([...backedOffUntilMs].filter(([, untilMs]) => untilMs > clock.monotonicMs()).map(([key]) => key)),
    drain: queue.drain,
  }
}

const keysOf = ({ targets }: Action): string[] => targets.map(({ target }) => targetKey(target))

/** Another run may start or stop them only before or after this one. */
const containersOf = ({ targets }: Action): string[] =>
  targets.flatMap(({ target }) => [target.container, ...target.touched].map(({ name }) => name))
