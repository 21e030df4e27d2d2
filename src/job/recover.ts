import type { Intent, IntentId, ResumeIntent } from '../catalog/catalog.ts'
import { recoveryLock } from '../catalog/keys.ts'
import { asBackupError, BackupError } from '../errors.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import { methodOf } from './capture.ts'
import { currentPlan, liveTarget } from './current-plan.ts'
import { awaitLock, holdLocks, tryLockContainer } from './hold-locks.ts'
import type { Parts } from './job.ts'
import { methodContext } from './method-context.ts'
import { quiesce } from './quiesce.ts'
import { resumeContainer } from './recover-containers.ts'
import { findSnapshot } from './repositories.ts'
import { removeScratch } from './restore/foreign-input.ts'
import { removePaths } from './restore/present.ts'
import { replaceData } from './restore/replace-data.ts'
import { downOrders } from './restore.ts'
import { findContainer, undo } from './service.ts'
import { abandonIntent, dropIntent } from './settle-intent.ts'

/** What was finished after dead runs, and what could not be finished, as texts. Every later pass tries the latter again. */
export interface Recovery {
  done: string[]
  problems: string[]
}

type RollBack = Extract<Intent, { kind: 'roll-back' }>
type InService = Extract<Intent, { kind: 'undo-method' }>

/**
 * Finishes what dead or failed runs left behind (P1, P2, P6): first incomplete restores, while their clients are down, then the
 * containers, the last stopped one first, then the repositories. It may run beside other work, because it takes only what no live
 * process owns.
 */
export async function recover(parts: Parts, signal: AbortSignal): Promise<Recovery> {
  const wait = { what: 'another recovery to end', seconds: 3600, signal }
  using _alone = await awaitLock(parts, [recoveryLock], 'recover', wait)
  const recovery: Recovery = { done: [], problems: [] }
  const orphans = parts.catalog.claimOrphans()
  const isRollBack = ({ intent }: { intent: Intent }) => intent.kind === 'roll-back'
  for (const { id, intent } of [...orphans.filter(isRollBack), ...orphans.filter((orphan) => !isRollBack(orphan))]) {
    await settle(parts, id, intent, recovery, signal)
  }
  for (const repository of parts.repositories.values()) await repository.sweep(signal)
  return recovery
}

async function settle(
  parts: Parts,
  id: IntentId,
  intent: Intent,
  recovery: Recovery,
  signal: AbortSignal,
): Promise<void> {
  const what = describe(intent)
  try {
    if (intent.kind === 'roll-back') await finishRestore(parts, intent, signal)
    else if (intent.kind === 'undo-method') await undoInService(parts, intent, signal)
    else if (intent.kind === 'remove-scratch') await removeScratch(intent.folder)
    else if (intent.kind === 'resume') return await settleResume(parts, id, intent, recovery, signal)
    else await undo(parts, intent, signal)
    dropIntent(parts, id)
    recovery.done.push(what)
    parts.log.warn({ what }, 'finished what a dead run left behind')
  } catch (error) {
    const { message, hint } = asBackupError(error)
    // A command that fails is not repeated for ever.
    if (intent.kind === 'exec') dropIntent(parts, id)
    else if (intent.kind !== 'resume') abandonIntent(parts, id)
    recovery.problems.push(`${what}: ${message} (${hint})`)
    parts.log.error({ what, err: error }, 'could not finish what a dead run left behind')
  }
}

/** A container that a live run holds MUST NOT be started in its window: a later pass brings it back. */
async function settleResume(
  parts: Parts,
  id: IntentId,
  intent: ResumeIntent,
  recovery: Recovery,
  signal: AbortSignal,
): Promise<void> {
  using lock = tryLockContainer(parts, intent.container.name, 'recover')
  if (!lock) return abandonIntent(parts, id)
  await resumeContainer(parts, id, intent, signal)
  recovery.done.push(describe(intent))
}

function describe(intent: Intent): string {
  if (intent.kind === 'roll-back') return `finish the restore of ${targetKey({ ...intent, name: intent.target })}`
  if (intent.kind === 'resume') return `${intent.how} container ${intent.container.name}`
  if (intent.kind === 'undo-method') return `clean up in ${intent.container.name}`
  if (intent.kind === 'remove-scratch') return `remove ${intent.folder}`
  if (intent.kind === 'exec') return `exec-post in ${intent.container.name}`
  return `leave network ${intent.network}`
}

async function undoInService(parts: Parts, intent: InService, signal: AbortSignal): Promise<void> {
  const { container: ref, spec, paths, detail } = intent
  const container = await findContainer(parts, ref, signal)
  if (!container) throw new BackupError('NO_SUCH_CONTAINER', `container ${ref.name} is gone`)
  const ctx = methodContext(parts, { container, spec, paths }, () => {}, signal)
  await methodOf(parts, spec).undo?.(ctx, spec, detail)
}

async function findTarget(
  parts: Parts,
  wanted: { project: string; target: string },
  signal: AbortSignal,
): Promise<Target> {
  const { plan } = await currentPlan(parts, signal)
  return liveTarget(plan, { project: wanted.project, name: wanted.target })
}

/** Rolls back to the safety snapshot. A restore that was made without one is completed instead, as far as it was asked for. */
async function finishRestore(parts: Parts, intent: RollBack, signal: AbortSignal): Promise<void> {
  const target = await findTarget(parts, intent, signal)
  const snapshot = await findSnapshot(parts, intent.safety ?? intent.snapshot, signal)

  const down = [...target.clients, ...target.writers]
  using _locks = await holdLocks(parts, [target], down, 'recover', signal)
  await using held = await quiesce(parts, downOrders(down, [target]), signal)
  const heldDown = held.names.includes(target.container.name)
  const options = { heldDown, onWarning: () => {}, onCheck: () => {} }
  if (intent.safety) await removePaths(parts, target, intent.absent ?? [])
  const only = intent.safety ? undefined : intent.only
  await replaceData(parts, target, snapshot, { ...options, ...(only && { only }) }, signal)
}
