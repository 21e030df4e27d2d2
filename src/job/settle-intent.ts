import type { IntentId, RollBackIntent } from '../catalog/catalog.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Parts } from './job.ts'

/**
 * Drops an intent whose undoing is done. A catalog that cannot be written (its disk is full) MUST NOT keep a run from bringing back the
 * next container: the intent is then found by a later pass, which repeats the undoing without harm.
 */
export function dropIntent({ catalog, log }: Parts, id: IntentId): void {
  try {
    catalog.dropIntent(id)
  } catch (err) {
    logFailure(log, 'an intent could not be dropped', err)
  }
}

/** Leaves a roll back that failed to the next pass, which `status` tells until one succeeds. */
export function leaveFailed(parts: Parts, id: IntentId, intent: RollBackIntent): void {
  try {
    parts.catalog.changeIntent(id, { ...intent, failed: true })
  } catch (err) {
    logFailure(parts.log, 'the failure of a roll back could not be recorded', err)
  }
  abandonIntent(parts, id)
}

/** Leaves an intent to the next pass, as `dropIntent` does when the catalog cannot be written. */
export function abandonIntent({ catalog, log }: Parts, id: IntentId): void {
  try {
    catalog.abandonIntent(id)
  } catch (err) {
    logFailure(log, 'an intent could not be abandoned', err)
  }
}
