import type { Outcome, RunStart } from '../../catalog/catalog.ts'
import { asBackupError, type BackupError, reportError } from '../../errors.ts'
import { type Target, targetKey } from '../../plan/plan.ts'
import type { Snapshot } from '../../repository/repository.ts'
import type { BackupResult, Parts } from '../job.ts'
import type { LockedPlan } from '../lock-plan.ts'
import type { Held } from '../quiesce.ts'
import { recordRun } from '../record-run.ts'

/** Collects the events of one target during a backup. The first failure is the one that is reported. */
export interface BackupReport {
  /** The target as the run was asked for it, and after `begin` as it is under the locks. */
  readonly target: Target
  readonly warnings: string[]
  /**
   * Takes the target from the plan that was made under the locks. Returns false, with the failure noted, where it is not in it.
   */
  begin(locked: LockedPlan): boolean
  /**
   * Runs a step unless an earlier one failed. When the step throws, its error becomes the target's failure and the result is
   * undefined.
   */
  attempt<T>(step: string, work: () => Promise<T>): Promise<T | undefined>
  noteWindow(held: Held, lost: BackupError[]): void
  noteSnapshot(snapshot: Snapshot): void
  noteFailure(error: unknown): void
  failed(): boolean
  /** Writes the end of the run to the catalog and the log. */
  finish(): BackupResult
}

export function startBackupReport(
  parts: Parts,
  asked: Target,
  { id, trigger }: Pick<RunStart, 'id' | 'trigger'>,
  onStep: (step: string) => void,
): BackupReport {
  const { project, name } = asked
  let target = asked
  const begunMs = parts.clock.monotonicMs()
  const record = recordRun(parts, { id, kind: 'backup', trigger, project, target: name })
  const warnings: string[] = []
  let failure: BackupError | undefined
  let snapshot: Snapshot | undefined
  let window: Held | undefined

  const noteFailure = (error: unknown) => {
    failure ??= asBackupError(error)
  }
  return {
    get target() {
      return target
    },
    warnings,
    begin: ({ targets, failures }) => {
      const now = targets.find((other) => targetKey(other) === targetKey(asked))
      if (now) target = now
      else noteFailure(failures.get(targetKey(asked)))
      warnings.push(...warnOfUnknownWriters(target))
      return now !== undefined
    },
    noteFailure,
    failed: () => failure !== undefined,
    async attempt(step, work) {
      if (failure) return undefined
      onStep(step)
      try {
        return await record.measure(step, work)
      } catch (error) {
        noteFailure(error)
        return undefined
      }
    },
    noteWindow: (held, lost) => {
      window = held
      warnings.push(...held.warnings, ...lost.map(({ message }) => message))
    },
    noteSnapshot: (published) => {
      snapshot = published
    },
    finish() {
      const seconds = (parts.clock.monotonicMs() - begunMs) / 1000
      const result = toResult(target, { seconds, warnings, snapshot, window, failure })
      record.finish(result, failure)
      onStep(result.outcome)
      return result
    },
  }
}

/** A container whose mounts are not known cannot be held. One that writes while the data is read makes the capture fail. */
function warnOfUnknownWriters({ quiesce, unknownWriters }: Target): string[] {
  if (quiesce === 'none') return []
  return unknownWriters.map(
    ({ name }) => `${name} runs and cannot be inspected: if it writes this data, the snapshot is crash-consistent only`,
  )
}

interface RunState {
  seconds: number
  warnings: string[]
  snapshot: Snapshot | undefined
  window: Held | undefined
  failure: BackupError | undefined
}

/** A failure beside a published snapshot, such as a service that did not come back, makes the run incomplete and not failed. */
function toResult(target: Target, { seconds, warnings, snapshot, window, failure }: RunState): BackupResult {
  const outcome: Outcome = !failure ? 'complete' : snapshot ? 'incomplete' : 'failed'
  return {
    project: target.project,
    target: target.name,
    method: target.spec.method,
    outcome,
    ...(snapshot && {
      snapshot: snapshot.id,
      set: snapshot.set,
      bytes: snapshot.bytes,
      storedBytes: snapshot.storedBytes,
      files: snapshot.files,
    }),
    seconds: round(seconds),
    downtimeSeconds: round(window?.downSeconds() ?? 0),
    stopped: window?.names ?? [],
    heldSeconds: window?.heldSeconds() ?? {},
    warnings: snapshot?.warnings ?? warnings,
    ...(failure && { error: reportError(failure) }),
  }
}

const round = (seconds: number) => Math.round(seconds * 1000) / 1000
