import type { Run } from '../catalog/catalog.ts'

/** How long a target is left alone after its runs, judged from the record of them, so that a crash or a restart changes nothing. */

const retrySeconds = [60, 300, 900]
const laterRetrySeconds = 3600
/** Failed runs after which a slot is given up: the first one and its retries. */
export const attemptsPerSlot = retrySeconds.length + 1

const longestRestSeconds = 3600
const restWindowSeconds = 6 * 3600

/** The newest runs up to the first that left a snapshot. A run that was killed counts as failed. */
export function failuresInARow(runs: Run[]): Run[] {
  const success = runs.findIndex(({ outcome }) => outcome !== 'failed')
  return success < 0 ? runs : runs.slice(0, success)
}

/** Whether it is still too early after failures: 1, 5 and 15 minutes, then an hour. */
export function awaitsRetry(failures: Run[], now: Date): boolean {
  const wait = retrySeconds[failures.length - 1] ?? laterRetrySeconds
  return endedWithin(failures[0], wait, now)
}

/**
 * Whether an on-change target rests: as long as its settle time, doubled for each success of the last six hours, an hour at most. A
 * service that touches its own files at every start would otherwise be stopped again and again by its own backups.
 */
export function restsAfterSuccess(runs: Run[], settleSeconds: number, now: Date): boolean {
  const recent = runs.filter((run) => run.outcome !== 'failed' && endedWithin(run, restWindowSeconds, now))
  const rest = Math.min(longestRestSeconds, settleSeconds * 2 ** recent.length)
  return endedWithin(recent[0], rest, now)
}

/** An end in the future is left from a clock that was set back: nobody waits for it. */
function endedWithin(run: Run | undefined, seconds: number, now: Date): boolean {
  if (!run) return false
  const agoSeconds = (now.getTime() - Date.parse(run.finished ?? run.started)) / 1000
  return agoSeconds >= 0 && agoSeconds < seconds
}
