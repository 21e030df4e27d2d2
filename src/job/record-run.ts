import type { Run, RunEnd, RunStart, RunStep } from '../catalog/catalog.ts'
import type { BackupError } from '../errors.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Parts } from './job.ts'
import { tellEnd } from './tell-run.ts'

/** What the record of a run needs of its result. */
type RunResult = Pick<
  RunEnd,
  'outcome' | 'snapshot' | 'seconds' | 'downtimeSeconds' | 'heldSeconds' | 'bytes' | 'drill' | 'error'
> & {
  rolledBack?: boolean
}

/** The record of one target's run in the catalog and the log. */
export interface RunRecord {
  /** The steps that have ended. */
  readonly steps: RunStep[]
  /** Does the work of a step, and notes how long it took, whether or not it fails. */
  measure<T>(step: string, work: () => Promise<T>): Promise<T>
  /**
   * Writes the end of the run. A catalog that cannot be written loses history and MUST NOT hide the result of the run. `failure`: the
   * error of the result.
   */
  finish(result: RunResult, failure: BackupError | undefined): void
}

/** Records that a run has started now on one target. */
export function recordRun({ catalog, clock, log }: Parts, begun: Omit<RunStart, 'started'>): RunRecord {
  const run: RunStart = { ...begun, started: clock.now().toISOString() }
  catalog.startRun(run)
  const steps: RunStep[] = []
  return {
    steps,
    async measure(name, work) {
      const begunMs = clock.monotonicMs()
      try {
        return await work()
      } finally {
        steps.push({ name, seconds: Math.round(clock.monotonicMs() - begunMs) / 1000 })
      }
    },
    finish(result, failure) {
      const end = endOf(result, steps, clock.now())
      const ended: Run = { ...run, ...end }
      try {
        catalog.finishRun(run.id, run.project, run.target, end)
      } catch (error) {
        logFailure(log, 'the end of the run could not be recorded', error, { run: run.id })
      }
      tellEnd(log, ended, failure)
    },
  }
}

function endOf(result: RunResult, steps: RunStep[], now: Date): RunEnd {
  const { outcome, snapshot, seconds, downtimeSeconds, heldSeconds, bytes, rolledBack, drill, error } = result
  return {
    finished: now.toISOString(),
    outcome,
    ...(snapshot !== undefined && { snapshot }),
    ...(bytes !== undefined && { bytes }),
    ...(seconds !== undefined && { seconds }),
    ...(downtimeSeconds !== undefined && { downtimeSeconds }),
    ...(heldSeconds && Object.keys(heldSeconds).length > 0 && { heldSeconds }),
    ...(rolledBack && { rolledBack: true }),
    steps,
    ...(drill && { drill }),
    ...(error && { error }),
  }
}
