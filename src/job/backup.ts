import type { Outcome } from '../catalog/catalog.ts'
import { asBackupError } from '../errors.ts'
import { atOnce } from '../lib/at-once.ts'
import { groupKey, type Target, targetKey } from '../plan/plan.ts'
import type { Dependencies } from '../plan/stop-order.ts'
import type { SnapshotReason } from '../repository/repository.ts'
import { openHooks } from './backup/hooks.ts'
import { openIntake } from './backup/intake.ts'
import { capturePhase, publishPhase } from './backup/phase.ts'
import { prepareTargets } from './backup/prepare.ts'
import { type BackupReport, startBackupReport } from './backup/report.ts'
import { captureTarget } from './capture.ts'
import type { Touched } from './cover-plan.ts'
import { newId } from './identify.ts'
import { type BackupResult, type Parts, type Progress, worstOutcome } from './job.ts'
import { type LockedPlan, lockPlan } from './lock-plan.ts'
import { limitWindow } from './max-stop.ts'
import { type QuiesceOrder, quiesce } from './quiesce.ts'
import { recordProgress } from './record-progress.ts'
import { captureTier, repositoryOf } from './repositories.ts'
import { defaultStartSeconds } from './service.ts'
import { watchCancel } from './watch-cancel.ts'
import { findDisturbed, findNewcomers } from './window.ts'

export interface BackupOptions {
  reason: SnapshotReason
  progress?: Progress
  /** How many quiesce windows there are at once. Those that need the same container wait for each other. Default 1. */
  concurrency?: number
  /** The locks of a run on one window that were taken before it. Default: the run waits for them. */
  locking?: { run: string; locked: Promise<LockedPlan> }
}

export interface BackupRun {
  run: string
  outcome: Outcome
  targets: BackupResult[]
}

/** Backs up targets, those of one group in one quiesce window. A failure of a target is in its result and is never thrown. */
export async function runBackup(
  parts: Parts,
  targets: Target[],
  options: BackupOptions,
  signal: AbortSignal,
): Promise<BackupRun> {
  const run = options.locking?.run ?? newId(parts.clock.now())
  using cancel = watchCancel(parts, run, signal)
  const told = { ...options, progress: recordProgress(parts, run, options.progress) }
  const backUp = async (set: Target[]) => {
    const reports = set.map((target) => startReport(parts, target, run, told))
    await backupSet(parts, reports, { run, ...told }, cancel.signal)
    return reports.map((report) => report.finish())
  }
  const results = (await atOnce(groupTargets(targets), options.concurrency ?? 1, backUp)).flat()
  return { run, outcome: worstOutcome(results), targets: results }
}

/** Captures targets in one quiesce window. The containers run again before anything is published. */
async function backupSet(
  parts: Parts,
  all: BackupReport[],
  options: BackupOptions & { run: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    const wanted = all.map(({ target }) => target)
    const locking = { touched: touchedByBackup, run: options.run, waits: true }
    using locked = await (options.locking?.locked ?? lockPlan(parts, wanted, locking, signal))
    const reports = all.filter((report) => report.begin(locked))
    // No service is stopped for a repository that is away, or is another one.
    await repositoryOf(parts, captureTier).identity(signal)
    const targets = reports.map(({ target }) => target)
    // Disposed in reverse: the services run again first, whether or not the repository answers.
    await using intake = openIntake(parts)
    const prepared = intake.use(await prepareTargets(parts, reports, signal))
    await using hooks = await openHooks(parts, targets, signal)
    const orders = quiesceOrders(targets, locked.dependencies)
    using limit = limitWindow(targets.map(prepared.describe), namesOf(orders), signal)
    await using held = await quiesce(parts, orders, limit.signal)

    const now = parts.clock.now()
    const window = { run: options.run, set: newId(now), time: now.toISOString(), reason: options.reason }
    const captures = []
    for (const report of reports) {
      const own = prepared.of(report.target)
      const how = { ...options, abandon: intake.abandon, ...(own && { prepared: own }) }
      const read = () => captureTarget(parts, report.target, how, limit.signal)
      const captured = await report.attempt(capturePhase(orders, own), read)
      if (captured) captures.push({ report, captured: intake.use(captured) })
    }
    const broken = await findDisturbed(parts, targets, held, limit.signal).catch(asBackupError)
    limit.lift()
    const end = parts.clock.now()
    const lost = await held.resume()
    const unpost = await hooks.close()

    for (const report of reports) report.noteWindow(held, lost)
    signal.throwIfAborted()
    if (broken) throw broken
    const newcomers = await findNewcomers(parts, targets, held, signal, end)
    if (newcomers) throw newcomers
    for (const { report, captured } of captures) {
      const phase = publishPhase(prepared.of(report.target))
      const whole = { ...window, quiesced: held.names, heldSeconds: held.heldSeconds(), warnings: report.warnings }
      const snapshot = await report.attempt(phase, () => captured.publish(whole, signal))
      if (snapshot) report.noteSnapshot(snapshot)
      const after = lost[0] ?? unpost.get(targetKey(report.target))
      if (after) report.noteFailure(after)
    }
  } catch (error) {
    for (const report of all) report.noteFailure(error)
  }
}

export const touchedByBackup: Touched = (targets) => targets.flatMap(({ touched }) => touched)

const namesOf = (orders: QuiesceOrder[]): string[] => orders.map(({ container }) => container.name)

function startReport(parts: Parts, target: Target, id: string, { reason, progress }: BackupOptions): BackupReport {
  const trigger = reason === 'schedule' || reason === 'change' ? reason : 'manual'
  return startBackupReport(parts, target, { id, trigger }, (step) => progress?.step(targetKey(target), step))
}

const groupTargets = (targets: Target[]): Target[][] => [...Map.groupBy(targets, groupKey).values()]

/**
 * Makes one order for each container, however many targets need it held. Labels set grace and start limit of their own container
 * only.
 */
function quiesceOrders(targets: Target[], dependencies: Dependencies): QuiesceOrder[] {
  const orders = new Map<string, QuiesceOrder>()
  for (const target of targets) {
    for (const container of target.quiesced) {
      const own = container.id === target.container.id
      const known = orders.get(container.id)
      orders.set(container.id, {
        container,
        how: target.quiesce === 'pause' && known?.how !== 'stop' ? 'pause' : 'stop',
        startTimeoutSeconds: own
          ? target.spec.startTimeoutSeconds
          : (known?.startTimeoutSeconds ?? defaultStartSeconds),
        ...(own &&
          target.spec.stopTimeoutSeconds !== undefined && { stopTimeoutSeconds: target.spec.stopTimeoutSeconds }),
      })
    }
  }
  const inOrder = dependencies.inStopOrder([...orders.values()].map(({ container }) => container))
  return inOrder.flatMap(({ id }) => orders.get(id) ?? [])
}
