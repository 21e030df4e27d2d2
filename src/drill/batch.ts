import type { RunTrigger } from '../catalog/catalog.ts'
import type { ContainerFacts } from '../engine/engine.ts'
import { asBackupError } from '../errors.ts'
import type { Parts, Progress } from '../job/job.ts'
import { loadWork } from '../job/load-work.ts'
import { pinSnapshots } from '../job/pins.ts'
import { snapshotRef } from '../job/repositories.ts'
import { refuseDamaged, refuseOtherMethod, refuseOtherOwners } from '../job/restore/checks.ts'
import type { StepInPlace } from '../job/restore/plan.ts'
import { replaceData } from '../job/restore/replace-data.ts'
import { endDrill } from '../job/scratch.ts'
import { abandonIntent, dropIntent } from '../job/settle-intent.ts'
import type { Check } from '../methods/method.ts'
import { controlScratch } from './control.ts'
import { type DrillReport, startDrillReport } from './report.ts'
import type { DrillResult } from './result.ts'
import { makeGround, makeScratch, type Scratch } from './scratch.ts'
import { verifyScratch } from './verify.ts'

export interface BatchOptions {
  run: string
  trigger: RunTrigger
  /** Tells the things of this batch from those of others in the run. */
  part: string
  progress?: Progress | undefined
  /** The containers of the stack, of which some a `verify.http` label may name. */
  containers: ContainerFacts[]
}

/**
 * Restores snapshots into scratch containers on a network of their own, in the order of the steps, proves them, and removes what was made.
 * It touches no container, network or volume of the stack.
 */
export async function drillBatch(
  parts: Parts,
  steps: StepInPlace[],
  options: BatchOptions,
  signal: AbortSignal,
): Promise<DrillResult[]> {
  const begunMs = parts.clock.monotonicMs()
  const reports = steps.map((step) => startDrillReport(parts, step, { ...options, begunMs }))
  try {
    const refs = steps.map(({ snapshot }) => snapshotRef(snapshot))
    using _pins = await pinSnapshots(parts, refs, signal)
    await loadWork(
      parts,
      steps.map(({ target }) => target.spec.method),
    )
    for (const report of reports)
      await report.attempt('stored bytes', 'checking the snapshot', () => checkStored(parts, report.step, signal))
    if (reports.some((report) => !report.failed())) await inScratch(parts, reports, options, signal)
  } catch (error) {
    for (const report of reports) report.noteFailure('scratch container', error)
  }
  return reports.map((report) => report.finish())
}

async function checkStored(parts: Parts, { snapshot }: StepInPlace, signal: AbortSignal): Promise<Check[]> {
  await refuseDamaged(parts, snapshot, signal)
  return [{ name: 'stored bytes', expected: 'as stored', actual: 'as stored', ok: true }]
}

/** The intent is recorded before the first thing is made, and dropped when all of them are gone. */
async function inScratch(
  parts: Parts,
  reports: DrillReport[],
  options: BatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const { run, part, containers } = options
  const intent = parts.catalog.addIntent({ kind: 'end-drill', run })
  try {
    const ground = await makeGround(parts, run, part, signal)
    const made = new Map<DrillReport, Scratch>()
    for (const [index, together] of byContainer(reports).entries()) {
      const steps = together.map(({ step }) => step)
      const make = async () => await makeScratch(parts, ground, steps, `${part}-${index}`, signal)
      for (const [report, scratch] of await makeFor(together, make)) made.set(report, scratch)
    }
    for (const [report, scratch] of made) await putBack(parts, report, scratch, signal)
    for (const [report, scratch] of made) if (scratch.runs) await ask(parts, report, scratch, containers, signal)
  } finally {
    await clearAway(parts, reports, run, intent)
  }
}

/** Targets of one container are restored into one scratch container. */
const byContainer = (reports: DrillReport[]): DrillReport[][] => [
  ...Map.groupBy(
    reports.filter((report) => !report.failed()),
    ({ step }) => step.target.container.id,
  ).values(),
]

async function makeFor(together: DrillReport[], make: () => Promise<Scratch>): Promise<Map<DrillReport, Scratch>> {
  const [first, ...others] = together
  let scratch: Scratch | undefined
  await first?.attempt('scratch container', 'making the scratch container', async () => {
    for (const { step } of together) refuseOtherMethod(step.snapshot, step.target)
    scratch = await make()
    for (const { step } of together) refuseOtherOwners(step.snapshot, { ...step.target, container: scratch.container })
    return []
  })
  if (!scratch || first?.failed()) {
    for (const other of others) other.noteFailure('scratch container', new Error('the scratch container was not made'))
    return new Map()
  }
  const found = scratch
  for (const report of together) report.noteNotTested(found.notTested)
  return new Map(together.map((report) => [report, found]))
}

/** The lines of the method count, and one of ours where it has none. */
async function putBack(parts: Parts, report: DrillReport, scratch: Scratch, signal: AbortSignal): Promise<void> {
  const { target, snapshot } = report.step
  const service = controlScratch(parts, scratch, target.spec.startTimeoutSeconds, signal)
  const checks: Check[] = []
  await report.attempt('restore', 'restoring', async () => {
    const options = {
      ...{ heldDown: false, isThrowaway: true as const, service },
      ...{ onBytes: report.onBytes, onWarning: report.noteWarning },
      onCheck: (check: Check) => void checks.push(check),
    }
    try {
      await replaceData(parts, { ...target, container: scratch.container }, snapshot, options, signal)
    } catch (error) {
      // What failed is among the checks then.
      if (asBackupError(error).code !== 'PROOF_FAILED' || checks.every(({ ok }) => ok)) throw error
    }
    return [{ name: 'restore', expected: 'done', actual: 'done', ok: true }, ...checks]
  })
  if (report.failed() && checks.length === 0) report.noteNotRun('facts', 'an earlier check failed')
}

async function ask(
  parts: Parts,
  report: DrillReport,
  scratch: Scratch,
  containers: ContainerFacts[],
  signal: AbortSignal,
): Promise<void> {
  const service = controlScratch(parts, scratch, report.step.target.spec.startTimeoutSeconds, signal)
  const { verifyExec, verifyHttp } = report.step.target.spec
  if (!verifyExec && verifyHttp === undefined) return
  if ((await service.state()) !== 'running') {
    await report.attempt('start', 'starting the service', async () => {
      await service.start()
      return [{ name: 'start', expected: 'running', actual: 'running', ok: true }]
    })
  }
  await verifyScratch(parts, report, scratch.container, containers, signal)
}

/** It is not bound to the signal of the run. What cannot be removed now is removed by the next recovery. */
async function clearAway(parts: Parts, reports: DrillReport[], run: string, intent: number): Promise<void> {
  try {
    await endDrill(parts, run, new AbortController().signal)
    dropIntent(parts, intent)
  } catch (error) {
    abandonIntent(parts, intent)
    const text = `what the drill made could not be removed yet: ${asBackupError(error).message}`
    for (const report of reports) report.noteWarning(text)
  }
}
