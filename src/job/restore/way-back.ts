import type { IntentId, RollBackIntent } from '../../catalog/catalog.ts'
import { asBackupError, BackupError } from '../../errors.ts'
import type { UndoDetail } from '../../methods/method.ts'
import { type Target, targetKey } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import type { Held } from '../quiesce.ts'
import { keptDown, wayOut } from '../recover/unfinished.ts'
import { snapshotRef, type TieredSnapshot } from '../repositories.ts'
import { controlService, type ServiceControl } from '../service-control.ts'
import { abandonIntent, dropIntent, leaveFailed } from '../settle-intent.ts'
import { leaveDown } from './leave-down.ts'
import { removePaths } from './present.ts'
import type { PutOptions } from './replace-target.ts'
import type { RestoreReport } from './report.ts'
import type { Safety } from './take-safety.ts'

/** The recorded intent to restore the state before. */
export interface WayBack {
  /** See `RestoreContext.noteForRollBack`. */
  note(detail: UndoDetail): void
  /** Drops the intent, because the restore is complete. */
  drop(): void
  /** See `Replaced.rollBack`. `service` is the control by which a raw safety snapshot left the service stopped. */
  take(down: Held, service?: ServiceControl): Promise<void>
}

type Put = (what: TieredSnapshot, held: Held, until: AbortSignal, more?: PutOptions) => Promise<void>

/** Makes the way back durable, before anything is replaced. */
export async function recordWayBack(
  parts: Parts,
  report: RestoreReport,
  { safety, only }: { safety: Safety; only?: string[] },
  put: Put,
  signal: AbortSignal,
): Promise<WayBack> {
  const target = report.step.target as Target
  const { snapshot: before, absent, isGone } = safety
  const recorded = describeWayBack(report, safety, only)
  const intent = await record(parts, recorded, safety)
  let noted: UndoDetail = {}
  const note = (detail: UndoDetail) => {
    noted = detail
    parts.catalog.changeIntent(intent, { ...recorded, noted })
  }
  const putBefore = async (snapshot: TieredSnapshot, down: Held, known?: ServiceControl) => {
    const { signal: never } = new AbortController()
    const heldDown = down.names.includes(target.container.name)
    const service = known ?? controlService(parts, target, { heldDown, onDown: report.noteDown }, never)
    try {
      await removePaths(parts, target, absent)
      await put(snapshot, down, never, { service, rollsBack: noted })
      dropIntent(parts, intent)
      report.noteRolledBack()
    } catch (cause) {
      leaveFailed(parts, intent, { ...recorded, noted })
      await leaveDown(parts, target, { down, service })
      const names = keptDown(target).join(', ')
      const message = `${target.name}: the state before (snapshot ${snapshot.id}) could not be put back, and ${names} must not run until it is: ${asBackupError(cause).message}`
      throw new BackupError('ROLLBACK_FAILED', message, { cause, hint: wayOut(targetKey(target)) })
    }
  }
  const take: WayBack['take'] = async (down, service) => {
    if (before) return putBefore(before, down, service)
    if (isGone) await removePaths(parts, target, absent)
    await service?.settle()
    return signal.aborted && !isGone ? abandonIntent(parts, intent) : dropIntent(parts, intent)
  }
  return { note, drop: () => dropIntent(parts, intent), take }
}

function describeWayBack({ step }: RestoreReport, { snapshot, absent }: Safety, only?: string[]): RollBackIntent {
  return {
    kind: 'roll-back',
    project: step.project,
    target: step.name,
    snapshot: snapshotRef(step.snapshot),
    safety: snapshot && snapshotRef(snapshot),
    ...(only && { only }),
    absent,
    keepsDown: keptDown(step.target as Target),
  }
}

async function record({ catalog }: Parts, intent: RollBackIntent, { service }: Safety): Promise<IntentId> {
  try {
    return catalog.addIntent(intent)
  } catch (error) {
    await service?.settle().catch(() => {})
    throw error
  }
}
