import { targetLock } from '../catalog/keys.ts'
import { type ReplacedPaths, type Target, targetKey } from '../plan/plan.ts'
import { type CoveredPlan, coverPlan, type Touched } from './cover-plan.ts'
import { lockAfterRecovery, lockContainers, lockContainersNow } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { loadWork } from './load-work.ts'
import { finishInContainers } from './recover/carry-out.ts'
import { finishRestores } from './recover/finish-restore.ts'
import { holdRepository } from './repositories.ts'

/** Targets that are locked, with their plan. Disposing releases the locks; it may be repeated. */
export interface LockedPlan extends CoveredPlan, Disposable {}

export interface LockPlanOptions {
  touched: Touched
  run: string
  /** Whether to wait for a container that another run holds, and for a recovery that works on the targets. */
  waits: boolean
  /** For a restore: what it replaces. It may go on where an earlier one cannot be finished, which a backup may not. */
  replaced?: ReplacedPaths
}

/**
 * Locks targets and the containers that they touch, and plans under these locks. What a dead run left of the targets is finished first:
 * what it left stopped would otherwise count as stopped before, and stay so. A target that stays between two states is none of a backup.
 * Throws BUSY where another run works on one of the targets, where another control plane has the repository, and without `waits` where
 * anything is held that it would wait for.
 */
export async function lockPlan(
  parts: Parts,
  wanted: Target[],
  { waits, ...options }: LockPlanOptions,
  signal: AbortSignal,
): Promise<LockedPlan> {
  using locks = new DisposableStack()
  locks.use(await holdRepository(parts, signal))
  const keys = wanted.map(({ project, name }) => targetLock(project, name))
  const { run } = options
  locks.use(waits ? await lockAfterRecovery(parts, keys, run, signal) : parts.catalog.lock(keys, run))
  const lock = waits ? lockContainers : lockContainersNow
  const unfinished = await finishRestores(parts, wanted, lock, signal)
  const refused = options.replaced ? new Map() : unfinished
  const onLocked = (names: string[]) => finishInContainers(parts, names, signal)
  const possible = wanted.filter((target) => !refused.has(targetKey(target)))
  const covered = locks.use(await coverPlan(parts, possible, { ...options, lock, onLocked }, signal))
  await loadWork(
    parts,
    covered.targets.map(({ spec }) => spec.method),
  )
  const all = locks.move()
  const failures = new Map([...covered.failures, ...refused])
  return { ...covered, failures, [Symbol.dispose]: () => all.dispose() }
}
