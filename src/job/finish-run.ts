import type { BackupError } from '../errors.ts'
import { logFailure } from '../lib/log-failure.ts'
import { targetKey } from '../plan/plan.ts'
import type { BackupResult, Parts, RestoreResult } from './job.ts'

/** What the catalog and the log tell of the end of one target's run. */
export interface RunEnding {
  kind: 'backup' | 'restore'
  run: string
  result: BackupResult | RestoreResult
  failure: BackupError | undefined
}

/**
 * Writes the end of one target's run to the catalog and the log. A catalog that cannot be written loses history and MUST NOT hide the
 * result of the run.
 */
export function finishRun({ catalog, clock, log }: Parts, { kind, run, result, failure }: RunEnding): void {
  const { project, target, outcome, snapshot, seconds, error } = result
  const measured = 'bytes' in result ? { bytes: result.bytes } : {}
  const downtime = 'downtimeSeconds' in result ? { downtimeSeconds: result.downtimeSeconds } : {}
  const told = { outcome, snapshot, seconds, ...measured, ...downtime }
  const child = log.child({ target: targetKey({ project, name: target }), run })
  try {
    const end = { finished: clock.now().toISOString(), ...defined(told), ...(error && { error }) }
    catalog.finishRun(run, project, target, { ...end, outcome })
  } catch (err) {
    logFailure(child, 'the end of the run could not be recorded', err)
  }
  const rolledBack = 'rolledBack' in result ? { rolledBack: result.rolledBack } : {}
  if (failure)
    logFailure(child, `${kind} ${outcome === 'failed' ? 'failed' : 'is incomplete'}`, failure, {
      outcome,
      ...rolledBack,
    })
  else child.info(told, `${kind} ended`)
}

/** The catalog's fields are absent rather than undefined. */
const defined = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
