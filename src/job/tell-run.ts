import type { Run } from '../catalog/catalog.ts'
import type { BackupError } from '../errors.ts'
import type { Log } from '../lib/log.ts'
import { logFailure, logReport } from '../lib/log-failure.ts'
import { targetKeyOf } from '../plan/plan.ts'

/** Logs that a run has begun. */
export function tellBegin(log: Log, run: Run): void {
  log.info({ ...nameRun(run), started: run.started }, `${run.kind} has begun`)
}

/** Logs how a run has ended. `failure`: the error itself, where this process has met it. */
export function tellEnd(log: Log, run: Run, failure?: BackupError): void {
  const { kind, outcome, snapshot, seconds, bytes, downtimeSeconds, rolledBack, error } = run
  const fields = { ...nameRun(run), outcome, snapshot, seconds, bytes, downtimeSeconds, rolledBack }
  const failed = `${kind} ${outcome === 'failed' ? 'failed' : 'is incomplete'}`
  if (failure) logFailure(log, failed, failure, fields)
  else if (error) logReport(log, failed, error, fields)
  else log.info(fields, `${kind} ended`)
}

const nameRun = ({ id, project, target, trigger }: Run) => ({
  target: targetKeyOf({ project, target }),
  run: id,
  trigger,
})
