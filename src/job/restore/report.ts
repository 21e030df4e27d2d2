import { asBackupError, type BackupError, reportError } from '../../errors.ts'
import type { Check } from '../../methods/method.ts'
import { type Target, targetKey } from '../../plan/plan.ts'
import type { Snapshot } from '../../repository/repository.ts'
import type { Parts, Progress, RestoreResult } from '../job.ts'
import type { LockedPlan } from '../lock-plan.ts'
import type { Held } from '../quiesce.ts'
import { recordRun } from '../record-run.ts'
import type { TieredSnapshot } from '../repositories.ts'
import type { RestoreStep } from './plan.ts'
import { restoreTimes } from './times.ts'

/** Collects the events of one target during a restore. The first failure is the one that is reported. */
export interface RestoreReport {
  /** The step as it was planned, and after `place` with the target as it is under the locks. */
  readonly step: RestoreStep
  /**
   * Takes the target from the plan that was made under the locks. Returns false, with the failure noted, where it is not in it.
   */
  place(locked: LockedPlan): boolean
  /** Takes the copy of the snapshot that is read from now on. */
  useCopy(snapshot: TieredSnapshot): void
  /** Runs a stage of the restore unless an earlier one failed; a throw becomes the target's failure. */
  attempt<T>(stage: string, work: () => Promise<T>): Promise<T | undefined>
  failed(): boolean
  noteFailure(error: unknown): void
  noteWarning(text: string): void
  noteCheck(check: Check): void
  noteSafety(snapshot: Snapshot): void
  noteRolledBack(): void
  /** Takes the folder that a restore beside the stack made, as a path of the host. */
  noteWrote(folder: string): void
  /** Adds seconds in which the service itself was down; the target's share of `noteWindow` has them already. */
  noteDown(seconds: number): void
  /** Adds the time of a window in which clients or writers of the target were down. It MUST have ended. */
  noteWindow(down: Held): void
  onBytes(count: number): void
  finish(): RestoreResult
}

export interface ReportOptions {
  run: string
  progress?: Progress | undefined
  /** When the command began, by the monotonic clock. */
  begunMs: number
}

export function startRestoreReport(
  parts: Parts,
  planned: RestoreStep,
  { run, progress, begunMs }: ReportOptions,
): RestoreReport {
  const { project, name, snapshot } = planned
  const key = targetKey(planned)
  let step = planned
  const times = restoreTimes(parts.clock, begunMs)
  const record = recordRun(parts, { id: run, kind: 'restore', trigger: 'manual', project, target: name })
  const checks: Check[] = []
  // The warnings of an import have not been shown before its restore.
  const warnings: string[] = snapshot.reason === 'import' ? [...snapshot.warnings] : []
  let failure: BackupError | undefined
  const noted: Pick<RestoreResult, 'safetySnapshot' | 'safety' | 'rolledBack' | 'wrote'> = { rolledBack: false }

  const noteFailure = (error: unknown) => {
    failure ??= asBackupError(error, 'RESTORE_FAILED')
  }
  return {
    get step() {
      return step
    },
    place: ({ targets, failures }) => {
      const target = targets.find((other) => targetKey(other) === key)
      if (target) step = { ...step, target }
      else noteFailure(failures.get(key))
      return target !== undefined
    },
    useCopy: (copy) => {
      step = { ...step, snapshot: copy }
    },
    noteFailure,
    failed: () => failure !== undefined,
    async attempt(stage, work) {
      if (failure) return undefined
      progress?.step(key, stage)
      try {
        return await record.measure(stage, work)
      } catch (error) {
        noteFailure(error)
        return undefined
      } finally {
        times.noteStage()
      }
    },
    noteWarning: (text) => void warnings.push(text),
    noteCheck: (check) => void checks.push(check),
    noteSafety: ({ id, raw }) => {
      noted.safetySnapshot = id
      if (raw) noted.safety = 'raw'
    },
    noteRolledBack: () => {
      noted.rolledBack = true
    },
    noteWrote: (folder) => {
      noted.wrote = folder
    },
    noteDown: times.noteDown,
    noteWindow: (down) => times.noteWindow(step.target, down),
    onBytes: (count) => progress?.bytes(key, count),
    finish() {
      const result: RestoreResult = {
        project,
        target: name,
        snapshot: snapshot.id,
        outcome: failure ? 'failed' : 'complete',
        ...times.measured(),
        ...(!failure && step.target && leftAs(step.target)),
        ...noted,
        checks,
        warnings,
        ...(failure && { error: reportError(failure) }),
      }
      record.finish(result, failure)
      progress?.step(key, result.outcome)
      return result
    },
  }
}

/** What did not run before the restore does not run after it, proven or not. */
function leftAs({ container: { state } }: Target): Pick<RestoreResult, 'left'> {
  if (state === 'running') return {}
  return { left: state === 'paused' ? 'paused' : 'stopped' }
}
