import type { Outcome } from '../catalog/catalog.ts'
import { groupKey, type Plan, type Target, targetKey } from '../plan/plan.ts'
import type { Dependencies } from '../plan/stop-order.ts'
import type { SnapshotReason } from '../repository/repository.ts'
import { openHooks } from './backup/hooks.ts'
import { prepareTargets } from './backup/prepare.ts'
import { type BackupReport, startBackupReport } from './backup/report.ts'
import { captureTarget } from './capture.ts'
import { currentPlan, liveTarget } from './current-plan.ts'
import { holdLocks } from './hold-locks.ts'
import { newId } from './identify.ts'
import { type BackupResult, type Parts, type Progress, worstOutcome } from './job.ts'
import { type QuiesceOrder, quiesce } from './quiesce.ts'
import { defaultStartSeconds } from './service.ts'

export interface BackupOptions {
  reason: SnapshotReason
  progress?: Progress
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
  const run = newId(parts.clock.now())
  const now = await currentPlan(parts, signal)
  const results: BackupResult[] = []
  for (const set of groupTargets(targets)) {
    const reports = set.map((target) => startReport(parts, now.plan, target, run, options.progress))
    await backupSet(parts, reports, now.dependencies, { run, ...options }, signal)
    results.push(...reports.map((report) => report.finish()))
  }
  return { run, outcome: worstOutcome(results), targets: results }
}

/** Captures targets in one quiesce window. The containers run again before anything is published. */
async function backupSet(
  parts: Parts,
  reports: BackupReport[],
  dependencies: Dependencies,
  options: BackupOptions & { run: string },
  signal: AbortSignal,
): Promise<void> {
  const targets = reports.filter((report) => !report.failed()).map((report) => report.target)
  try {
    using _locks = await holdLocks(
      parts,
      targets,
      targets.flatMap(({ quiesced }) => quiesced),
      options.run,
      signal,
    )
    await using prepared = await prepareTargets(parts, reports, signal)
    await using hooks = await openHooks(parts, targets, signal)
    await using held = await quiesce(parts, quiesceOrders(targets, dependencies), signal)
    await using staged = new AsyncDisposableStack()

    const now = parts.clock.now()
    const window = { run: options.run, set: newId(now), time: now.toISOString(), reason: options.reason }
    const captures = []
    for (const report of reports) {
      const own = prepared.of(report.target)
      const how = { ...options, ...(own && { prepared: own }) }
      const captured = await report.attempt('capture', () => captureTarget(parts, report.target, how, signal))
      if (captured) captures.push({ report, captured: staged.use(captured) })
    }
    const lost = await held.resume()
    const unpost = await hooks.close()

    for (const report of reports) report.noteWindow(held, lost)
    signal.throwIfAborted()
    for (const { report, captured } of captures) {
      const whole = { ...window, quiesced: held.names, warnings: report.warnings }
      const snapshot = await report.attempt('publish', () => captured.publish(whole, signal))
      if (snapshot) report.noteSnapshot(snapshot)
      const after = lost[0] ?? unpost.get(targetKey(report.target))
      if (after) report.noteFailure(after)
    }
  } catch (error) {
    for (const report of reports) report.noteFailure(error)
  }
}

/** Starts the report of a target as the containers are now, which may differ from the moment of the request. */
function startReport(
  parts: Parts,
  plan: Plan,
  wanted: Target,
  run: string,
  progress: Progress | undefined,
): BackupReport {
  const onStep = (step: string) => progress?.step(targetKey(wanted), step)
  try {
    return startBackupReport(parts, liveTarget(plan, wanted), run, onStep)
  } catch (error) {
    const report = startBackupReport(parts, wanted, run, onStep)
    report.noteFailure(error)
    return report
  }
}

const groupTargets = (targets: Target[]): Target[][] => [...Map.groupBy(targets, groupKey).values()]

/** Makes one order for each container, however many targets need it held. Labels set grace and start limit of their own container only. */
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
