import { targetLock } from '../catalog/keys.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, type BackupError } from '../errors.ts'
import { type Plan, type Target, targetKey } from '../plan/plan.ts'
import type { Dependencies } from '../plan/stop-order.ts'
import { currentPlan, liveTarget } from './current-plan.ts'
import { lockAfterRecovery, lockContainers, lockContainersNow } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { finishInContainers } from './recover/carry-out.ts'
import { finishRestores } from './recover/finish-restore.ts'

/** Targets whose plan was made while every container that it touches was locked. Disposing releases the locks; it may be repeated. */
export interface LockedPlan extends Disposable {
  plan: Plan
  dependencies: Dependencies
  /** The wanted targets as they are now. A target that cannot be worked on any more is missing. */
  targets: Target[]
  /** Why a wanted target is missing, by target key. */
  failures: ReadonlyMap<string, BackupError>
}

/** The containers that a job needs locked for its targets. Every one that it stops, starts or works on MUST be among them. */
export type Touched = (targets: Target[]) => ContainerFacts[]

export interface LockPlanOptions {
  touched: Touched
  run: string
  /** Whether to wait for a container that another run holds, and for a recovery that works on the targets. */
  waits: boolean
}

/**
 * Locks targets and the containers that they touch, and plans under these locks. A plan that was made before may miss containers that
 * another run held down at that moment, so it plans again until the locks cover the plan. What a dead run left of the targets is finished
 * first: what it left stopped would otherwise count as stopped before, and stay so. Throws BUSY where another run works on one of the
 * targets, and without `waits` where anything is held that it would wait for.
 */
export async function lockPlan(
  parts: Parts,
  wanted: Target[],
  { touched, run, waits }: LockPlanOptions,
  signal: AbortSignal,
): Promise<LockedPlan> {
  using target = new DisposableStack()
  const keys = wanted.map(({ project, name }) => targetLock(project, name))
  target.use(waits ? await lockAfterRecovery(parts, keys, run, signal) : parts.catalog.lock(keys, run))
  const lock = waits ? lockContainers : lockContainersNow
  await finishRestores(parts, wanted, lock, signal)
  for (let names = namesOf(touched, wanted); ; ) {
    using held = new DisposableStack()
    held.use(await lock(parts, names, run, signal))
    await finishInContainers(parts, names, signal)
    const now = await planNow(parts, wanted, signal)
    const needed = namesOf(touched, now.targets)
    if (needed.every((name) => names.includes(name))) {
      target.use(held.move())
      const all = target.move()
      return { ...now, [Symbol.dispose]: () => all.dispose() }
    }
    names = [...new Set([...names, ...needed])]
  }
}

async function planNow(parts: Parts, wanted: Target[], signal: AbortSignal) {
  const { plan, dependencies } = await currentPlan(parts, signal)
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
