import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError, type BackupError } from '../errors.ts'
import { type Plan, type Target, targetKey } from '../plan/plan.ts'
import type { Dependencies } from '../plan/stop-order.ts'
import { currentPlan, liveTarget } from './current-plan.ts'
import { lockContainers, lockContainersNow, lockTargets } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { resumeOrphans } from './recover-containers.ts'

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

/**
 * Locks targets and the containers that they touch, and plans under these locks. A plan that was made before may miss containers that
 * another run held down at that moment, so it plans again until the locks cover the plan. What a dead run left stopped is started
 * first: it would otherwise count as stopped before, and stay so. Throws BUSY where another run works on one of the targets.
 */
export async function lockPlan(
  parts: Parts,
  wanted: Target[],
  touched: Touched,
  run: string,
  signal: AbortSignal,
): Promise<LockedPlan> {
  return await lockUntilCovered(parts, wanted, { touched, run, lock: lockContainers }, signal)
}

/** Does the same without waiting: throws BUSY where another run holds a container, too. */
export async function lockPlanNow(
  parts: Parts,
  wanted: Target[],
  touched: Touched,
  run: string,
  signal: AbortSignal,
): Promise<LockedPlan> {
  return await lockUntilCovered(parts, wanted, { touched, run, lock: lockContainersNow }, signal)
}

async function lockUntilCovered(
  parts: Parts,
  wanted: Target[],
  { touched, run, lock }: { touched: Touched; run: string; lock: typeof lockContainers },
  signal: AbortSignal,
): Promise<LockedPlan> {
  using target = new DisposableStack()
  target.use(lockTargets(parts, wanted, run))
  for (let names = namesOf(touched, wanted); ; ) {
    using held = new DisposableStack()
    held.use(await lock(parts, names, run, signal))
    await resumeOrphans(parts, names, signal)
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
