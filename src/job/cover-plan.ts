import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, type BackupError } from '../errors.ts'
import { type Plan, type ReplacedPaths, type Target, targetKey } from '../plan/plan.ts'
import type { Dependencies } from '../plan/stop-order.ts'
import { currentPlan, liveTarget } from './current-plan.ts'
import type { LockContainers } from './hold-locks.ts'
import type { Parts } from './job.ts'

/** Targets whose plan was made while every container that it touches was locked. */
export interface CoveredPlan {
  plan: Plan
  dependencies: Dependencies
  /** The wanted targets as they are now. A target that cannot be worked on any more is missing. */
  targets: Target[]
  /** Why a wanted target is missing, by target key. */
  failures: ReadonlyMap<string, BackupError>
  /** The names of the containers that are locked. */
  names: string[]
}

/** The containers that a job needs locked for its targets. Every one that it stops, starts or works on MUST be among them. */
export type Touched = (targets: Target[]) => ContainerFacts[]

export interface CoverOptions {
  touched: Touched
  run: string
  lock: LockContainers
  /** For a restore: what it replaces. */
  replaced?: ReplacedPaths
  /** Called when containers are locked, before the plan is made under their locks. */
  onLocked?: (names: string[]) => Promise<void>
}

/**
 * Locks the containers that targets touch, and plans under these locks. A plan that was made before may miss containers that another run
 * or a recovery held down at that moment, so it plans again until the locks cover the plan. Disposing releases the locks; it may be
 * repeated.
 */
export async function coverPlan(
  parts: Parts,
  wanted: Target[],
  { touched, run, lock, replaced, onLocked }: CoverOptions,
  signal: AbortSignal,
): Promise<CoveredPlan & Disposable> {
  for (let names = namesOf(touched, wanted); ; ) {
    using held = new DisposableStack()
    held.use(await lock(parts, names, run, signal))
    await onLocked?.(names)
    const now = await planNow(parts, wanted, replaced, signal)
    const needed = namesOf(touched, now.targets)
    if (needed.every((name) => names.includes(name))) {
      const all = held.move()
      return { ...now, names, [Symbol.dispose]: () => all.dispose() }
    }
    names = [...new Set([...names, ...needed])]
  }
}

async function planNow(parts: Parts, wanted: Target[], replaced: ReplacedPaths | undefined, signal: AbortSignal) {
  const { plan, dependencies } = await currentPlan(parts, signal, replaced)
  const targets: Target[] = []
  const failures = new Map<string, BackupError>()
  for (const target of wanted) {
    try {
      targets.push(liveTarget(plan, target))
    } catch (error) {
      failures.set(targetKey(target), asBackupError(error))
    }
  }
  return { plan, dependencies, targets, failures }
}

const namesOf = (touched: Touched, targets: Target[]) => [
  ...new Set([...targets.map(({ container }) => container), ...touched(targets)].map(({ name }) => name)),
]

/** What a restore touches, and the roll back of one. */
export const touchedByRestore: Touched = (targets) =>
  targets.flatMap(({ clients, writers, touched }) => [...clients, ...writers, ...touched])
