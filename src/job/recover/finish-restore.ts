import type { IntentId, RollBackIntent } from '../../catalog/catalog.ts'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { type Target, targetKey, targetKeyOf } from '../../plan/plan.ts'
import { coverPlan, touchedByRestore } from '../cover-plan.ts'
import { currentPlan, liveTarget } from '../current-plan.ts'
import { downOrders } from '../down-orders.ts'
import { isBusy, type LockContainers, lockContainers, recoveryRun } from '../hold-locks.ts'
import type { Parts } from '../job.ts'
import { loadWork } from '../load-work.ts'
import { quiesce } from '../quiesce.ts'
import { findSnapshot } from '../repositories.ts'
import { refuseOtherMethod, refuseOtherOwners } from '../restore/checks.ts'
import { leaveDown } from '../restore/leave-down.ts'
import { removePaths } from '../restore/present.ts'
import { replaceData } from '../restore/replace-data.ts'
import { replacedPaths } from '../restore/replaced-paths.ts'
import { controlService } from '../service-control.ts'
import { abandonIntent, dropIntent, leaveFailed } from '../settle-intent.ts'
import { logUnfinished } from './leftovers.ts'
import { wayOut } from './unfinished.ts'

/**
 * Carries out a roll-back intent that was claimed, and drops it. When it throws, the intent is left to the next recovery. The caller MUST
 * hold the lock of the target.
 */
export async function finishRestore(
  parts: Parts,
  id: IntentId,
  intent: RollBackIntent,
  signal: AbortSignal,
  lock: LockContainers = lockContainers,
): Promise<void> {
  let isLeft = false
  const leave = (error: unknown) => {
    if (isLeft) return
    isLeft = true
    if (isBusy(error) || signal.aborted) abandonIntent(parts, id)
    else leaveFailed(parts, id, intent)
  }
  try {
    await rollBackOrComplete(parts, { id, intent, leave }, lock, signal)
  } catch (error) {
    leave(error)
    throw error
  }
}

/** An intent that was claimed, and the way to leave it to the next recovery. */
interface Claimed {
  id: IntentId
  intent: RollBackIntent
  leave: (error: unknown) => void
}

/** Rolls back to the safety snapshot. A restore that was made without one is completed instead, as far as it was asked for. */
async function rollBackOrComplete(
  parts: Parts,
  claimed: Claimed,
  lock: LockContainers,
  signal: AbortSignal,
): Promise<void> {
  const { id, intent } = claimed
  const snapshot = await findSnapshot(parts, intent.safety ?? intent.snapshot, signal)
  const only = intent.safety ? undefined : intent.only
  const name = { project: intent.project, name: intent.target }
  const known = replacedPaths(parts, snapshot, only)
  const replaced = new Map(known.length > 0 ? [[targetKey(name), [...known, ...(intent.absent ?? [])]]] : [])
  const { plan } = await currentPlan(parts, signal, replaced)
  const wanted = liveTarget(plan, name)

  // Another recovery may start a writer, or the container itself, until all of them are locked.
  const cover = { touched: touchedByRestore, run: recoveryRun, lock, replaced }
  using covered = await coverPlan(parts, [wanted], cover, signal)
  const [target] = covered.targets
  if (!target) throw covered.failures.get(targetKey(wanted))
  // The labels may have changed since: another method would find nothing to put back, and call that done.
  refuseOtherMethod(snapshot, target)
  refuseOtherOwners(snapshot, target)
  await loadWork(parts, [target.spec.method])
  const down = [...target.clients, ...target.writers]
  await using held = await quiesce(parts, downOrders(down, [target]), signal)
  const heldDown = held.names.includes(target.container.name)
  const service = controlService(parts, target, { heldDown }, signal)
  const options = {
    ...{ heldDown, service, onWarning: () => {}, onCheck: () => {} },
    ...(only && { only }),
    ...(intent.safety && { rollsBack: intent.noted ?? {} }),
  }
  try {
    if (intent.safety) await removePaths(parts, target, intent.absent ?? [])
    await replaceData(parts, intent.safety ? unlimited(target) : target, snapshot, options, signal)
    // Before the locks are released: a run that takes them starts no container while it sees a restore that is not finished.
    dropIntent(parts, id)
  } catch (error) {
    claimed.leave(error)
    await leaveDown(parts, target, { down: held, service })
    throw error
  }
}

/**
 * The target without the labels that choose some of its databases, which may have changed since. The safety snapshot holds what the restore
 * replaced, and goes back whole.
 */
function unlimited(target: Target): Target {
  const { databases: _databases, collections: _collections, ...options } = target.spec.options as Limits
  return { ...target, spec: { ...target.spec, options } as TargetSpec }
}

type Limits = { databases?: string[]; collections?: string[] }

/**
 * Finishes the restores of these targets that a dead run left, before anything else is done with their data. The caller MUST hold the
 * locks of the targets. One that cannot be finished stays for the next recovery, and is answered with the reason, by target key. Throws
 * BUSY where `lock` does.
 */
export async function finishRestores(
  parts: Parts,
  targets: Target[],
  lock: LockContainers,
  signal: AbortSignal,
): Promise<Map<string, BackupError>> {
  const unfinished = new Map<string, BackupError>()
  const wanted = targets.map(targetKey)
  const orphans = parts.catalog.claimOrphans(
    (intent) => intent.kind === 'roll-back' && wanted.includes(targetKeyOf(intent)),
  )
  for (const { id, intent } of orphans) {
    try {
      await finishRestore(parts, id, intent as RollBackIntent, signal, lock)
    } catch (err) {
      if (isBusy(err) || signal.aborted) throw err
      logUnfinished(parts.log, intent, err)
      const key = targetKeyOf(intent as RollBackIntent)
      const message = `the restore of ${key} is not finished, so that its data is between two states: ${asBackupError(err).message}`
      unfinished.set(key, new BackupError('ROLLBACK_FAILED', message, { cause: err, hint: wayOut(key) }))
    }
  }
  return unfinished
}
