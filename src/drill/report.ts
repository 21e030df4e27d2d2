import type { RunTrigger } from '../catalog/catalog.ts'
import type { DrillCheck, DrillVerdict } from '../catalog/drill-end.ts'
import { asBackupError, BackupError, reportError } from '../errors.ts'
import type { Parts, Progress } from '../job/job.ts'
import { recordRun } from '../job/record-run.ts'
import { snapshotRef } from '../job/repositories.ts'
import type { StepInPlace } from '../job/restore/plan.ts'
import type { Check } from '../methods/method.ts'
import { targetKey } from '../plan/plan.ts'
import { type DrillResult, type DrillStage, judgeFailure } from './result.ts'

/** Collects what happens to one target in a drill. The first failure decides, and what depends on it is not run. */
export interface DrillReport {
  readonly step: StepInPlace
  /** Runs a stage unless an earlier one failed. A throw, or a check that is not ok, becomes the failure of the target. */
  attempt(stage: DrillStage, what: string, work: () => Promise<Check[]>): Promise<void>
  failed(): boolean
  noteFailure(stage: DrillStage, error: unknown): void
  /** A check that no failure kept from being run. */
  noteNotRun(name: string, why: string): void
  noteNotTested(texts: string[]): void
  noteWarning(text: string): void
  onBytes(count: number): void
  finish(): DrillResult
}

export interface DrillReportOptions {
  run: string
  trigger: RunTrigger
  progress?: Progress | undefined
  begunMs: number
}

export function startDrillReport(
  parts: Parts,
  step: StepInPlace,
  { run, trigger, progress, begunMs }: DrillReportOptions,
): DrillReport {
  const { project, name, snapshot, target } = step
  const key = targetKey(step)
  const { tier } = snapshotRef(snapshot)
  const record = recordRun(parts, { id: run, kind: 'drill', trigger, project, target: name })
  const checks: DrillCheck[] = []
  const notTested: string[] = []
  const warnings: string[] = []
  let failure: { error: BackupError; verdict: Exclude<DrillVerdict, 'verified'> } | undefined
  let endedMs = begunMs

  const fail = (stage: DrillStage, error: unknown) => {
    const known = asBackupError(error, 'RESTORE_FAILED')
    failure ??= { error: known, verdict: judgeFailure(stage, known.code) }
  }
  return {
    step,
    failed: () => failure !== undefined,
    async attempt(stage, what, work) {
      const name = stage === 'verify' ? what : stage
      if (failure) return void checks.push(notRun(name, 'an earlier check failed'))
      progress?.step(key, what)
      try {
        const found = await record.measure(what, work)
        checks.push(...found.map(asDrillCheck))
        const [wrong] = found.filter(({ ok }) => !ok)
        if (wrong) fail(stage, proofError(wrong))
      } catch (error) {
        fail(stage, error)
        checks.push({ ...notRun(name, ''), state: 'failed', actual: asBackupError(error).message })
      } finally {
        endedMs = parts.clock.monotonicMs()
      }
    },
    noteFailure: fail,
    noteNotRun: (what, why) => void checks.push(notRun(what, why)),
    noteNotTested: (texts) => void notTested.push(...texts),
    noteWarning: (text) => void warnings.push(text),
    onBytes: (count) => progress?.bytes(key, count),
    finish() {
      const verdict = failure?.verdict ?? 'verified'
      const seconds = Math.round(endedMs - begunMs) / 1000
      const { rtoSeconds } = target
      const result: DrillResult = {
        ...{ project, target: name, snapshot: snapshot.id, tier, outcome: failure ? 'failed' : 'complete', verdict },
        ...{ seconds, rtoSeconds, rtoMet: failure ? null : seconds <= rtoSeconds },
        ...{ checks, notTested, steps: record.steps, warnings },
        ...(failure && { error: reportError(failure.error) }),
      }
      record.finish({ ...result, drill: { verdict, tier, rtoSeconds, checks, notTested } }, failure?.error)
      progress?.step(key, verdict)
      return result
    },
  }
}

const proofError = ({ name, expected, actual }: Check): BackupError =>
  new BackupError('PROOF_FAILED', `${name}: expected ${expected}, found ${actual}`)

const asDrillCheck = (check: Check): DrillCheck => ({ ...check, state: check.ok ? 'ok' : 'failed' })

const notRun = (name: string, why: string): DrillCheck => ({
  ...{ name, expected: 'done', actual: `not run: ${why}`, ok: false, state: 'not run' },
})
