import type { Outcome } from '../catalog/catalog.ts'
import { asBackupError, BackupError } from '../errors.ts'
import { targetKey } from '../plan/plan.ts'
import { touchedByRestore } from './cover-plan.ts'
import { downOrders } from './down-orders.ts'
import { newId } from './identify.ts'
import { type Parts, type Progress, type RestoreResult, worstOutcome } from './job.ts'
import { lockPlan } from './lock-plan.ts'
import { pinSnapshots } from './pins.ts'
import { type QuiesceOrder, quiesce } from './quiesce.ts'
import { recordProgress } from './record-progress.ts'
import { captureTier, repositoryOf, snapshotRef } from './repositories.ts'
import { checkStep, refuseDamaged } from './restore/checks.ts'
import { orderSteps, type RestorePlan, type RestoreStep, type StepInPlace } from './restore/plan.ts'
import { type Replaced, replaceTarget } from './restore/replace-target.ts'
import { replacedBySteps } from './restore/replaced-paths.ts'
import { type RestoreReport, startRestoreReport } from './restore/report.ts'
import { supersedeUnfinished } from './restore/supersede.ts'
import { verifyService } from './restore/verify-service.ts'
import { chooseWholeCopy } from './restore/whole-copy.ts'
import { writeBeside } from './restore/write-beside.ts'
import { watchCancel } from './watch-cancel.ts'

export interface RestoreOptions {
  /** Whether a snapshot of the present data is taken first. Without it a failed restore cannot be rolled back. */
  safety: boolean
  progress?: Progress
  /** When the command began, by the monotonic clock. Default: now. */
  begunMs?: number
}

export interface RestoreRun {
  run: string
  outcome: Outcome
  targets: RestoreResult[]
}

/** Carries out a restore plan. Each target ends in the restored state or in the state before (P6), and its result says which. */
export async function runRestore(
  parts: Parts,
  plan: RestorePlan,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreRun> {
  const run = newId(parts.clock.now())
  using cancel = watchCancel(parts, run, signal)
  const { begunMs = parts.clock.monotonicMs() } = options
  const progress = recordProgress(parts, run, options.progress)
  const reports = plan.steps.map((step) => startRestoreReport(parts, step, { run, progress, begunMs }))
  try {
    const chosen = plan.steps.map(({ snapshot }) => snapshotRef(snapshot))
    using pins = await pinSnapshots(parts, chosen, cancel.signal)
    if (plan.to) await writeBeside(parts, { run, to: plan.to, only: plan.only, pins }, reports, cancel.signal)
    else await restoreInPlace(parts, plan, reports, { ...options, run, pins }, cancel.signal)
  } catch (error) {
    for (const report of reports) report.noteFailure(error)
  }
  const targets = reports.map((report) => report.finish())
  return { run, outcome: worstOutcome(targets), targets }
}

/**
 * Runs the checks that can refuse, takes clients down, replaces and proves each target, brings clients up and verifies the
 * services. A target that fails is rolled back.
 */
async function restoreInPlace(
  parts: Parts,
  plan: RestorePlan,
  asked: RestoreReport[],
  options: RestoreOptions & { run: string; pins: DisposableStack },
  signal: AbortSignal,
): Promise<void> {
  // The containers may have changed while the operator was asked to confirm, or while other runs were waited for.
  const planned = plan.steps.map((step) => stepInPlace(step).target)
  const replaced = replacedBySteps(parts, plan)
  const locking = { touched: touchedByRestore, run: options.run, waits: true, replaced }
  using locked = await lockPlan(parts, planned, locking, signal)
  if (!asked.every((report) => report.place(locked))) return refuseOthers(asked)
  const { steps, down: toStop } = orderSteps(
    asked.map(({ step }) => stepInPlace(step)),
    locked.dependencies,
  )
  const targets = steps.map(({ target }) => target)
  const reports = steps.flatMap((step) => asked.filter((report) => targetKey(report.step) === targetKey(step)))
  // No service is stopped for a safety snapshot that the repository could not take.
  if (options.safety) await repositoryOf(parts, captureTier).identity(signal)
  for (const report of reports)
    await report.attempt('checking the snapshot', async () => {
      await chooseWholeCopy(parts, report, options.pins, signal, (copy) => refuseDamaged(parts, copy, signal))
      await checkStep(parts, stepInPlace(report.step), report.noteWarning, signal)
    })
  if (reports.some((report) => report.failed())) return refuseOthers(reports)

  const orders = downOrders(toStop, targets)
  const done = new Map<RestoreReport, Replaced>()
  {
    await using down = await quiesce(parts, orders, signal)
    for (const report of reports) {
      const work = () =>
        replaceTarget(parts, report, { ...options, down, ...(plan.only && { only: plan.only }) }, signal)
      const one = await report.attempt('replacing the data', work)
      if (one) done.set(report, one)
    }
    for (const warning of down.warnings) reports[0]?.noteWarning(warning)
    const lost = await down.resume()
    for (const report of reports) report.noteWindow(down)
    for (const error of lost) for (const report of reports) report.noteFailure(error)
  }
  for (const [report, one] of done) {
    await report.attempt('comparing', () =>
      verifyService(parts, stepInPlace(report.step).target, signal, report.noteCheck),
    )
    if (report.failed()) await rollBackAfterVerify(parts, report, orders, one)
    else await conclude(parts, report, one, { ...plan, names: locked.names })
  }
}

/**
 * Keeps the restored data, which takes the place of what an earlier restore has left between two states. Whoever dies in between leaves the
 * earlier roll back, whose end is a whole state too.
 */
async function conclude(
  parts: Parts,
  { step }: RestoreReport,
  { commit }: Replaced,
  { only, names }: Pick<RestorePlan, 'only'> & { names: string[] },
): Promise<void> {
  commit()
  if (!only) await supersedeUnfinished(parts, step, names)
}

/** Marks all targets of the command as failed: when one check fails, nothing is touched. */
function refuseOthers(reports: RestoreReport[]): void {
  const refused = reports.filter((report) => report.failed()).map(({ step }) => step.name)
  const error = new BackupError('RESTORE_REFUSED', `not begun, because ${refused.join(', ')} cannot be restored`)
  for (const report of reports) report.noteFailure(error)
}

/** Rolls back a target whose service runs again but failed its verification. */
async function rollBackAfterVerify(
  parts: Parts,
  report: RestoreReport,
  orders: QuiesceOrder[],
  done: Replaced,
): Promise<void> {
  const never = new AbortController().signal
  try {
    await using down = await quiesce(parts, orders, never)
    await done.rollBack(down)
    for (const error of await down.resume()) report.noteWarning(error.message)
    report.noteWindow(down)
  } catch (error) {
    report.noteWarning(asBackupError(error).message)
  }
}

/** Narrows a step to one that has a target. `planRestore` has refused a restore in place without one. */
export const stepInPlace = (step: RestoreStep): StepInPlace => {
  if (step.target) return { ...step, target: step.target }
  throw new BackupError('NO_SUCH_CONTAINER', `${step.name} has no container`)
}
