import type { Run } from '../catalog/catalog.ts'

/**
 * How long a target is left alone after its runs. All of it is judged from the recorded runs, so that a crash or a restart of the
 * controller changes nothing.
 */

const retrySeconds = [60, 300, 900]
const laterRetrySeconds = 3600
/** A slot is given up after this many failed runs: the first attempt and its retries. */
export const attemptsPerSlot = retrySeconds.length + 1

const longestCooldownSeconds = 3600
const cooldownWindowSeconds = 6 * 3600

/** The newest runs, up to the first that left a snapshot. `runs` are newest first; a run that was killed counts as failed. */
export function consecutiveFailures(runs: Run[]): Run[] {
  const success = runs.findIndex(({ outcome }) => outcome !== 'failed')
  return success < 0 ? runs : runs.slice(0, success)
}

/** True while it is too early for the next attempt: 1, 5 and 15 minutes after the first failures, then an hour, as after a cancelled run. */
export function isBackingOff(failures: Run[], now: Date): boolean {
  const [newest] = failures
  if (newest && isCancelled(newest)) return endedWithin(newest, laterRetrySeconds, now)
  return endedWithin(newest, retrySeconds[failures.length - 1] ?? laterRetrySeconds, now)
}

/** Whether an operator has ended the run by `cancel`, who then does not want it again in a minute. */
export const isCancelled = ({ error }: Run): boolean => error?.code === 'CANCELLED'

/**
 * True while an on-change target waits after a success. The cooldown is the settle time, doubled for each success of the last six
 * hours, at most an hour. Without it a service that touches its own files at every start would be stopped again and again by its own
 * backups.
 */
export function isCoolingDown(runs: Run[], settleSeconds: number, now: Date): boolean {
  const successes = runs.filter((run) => run.outcome !== 'failed' && endedWithin(run, cooldownWindowSeconds, now))
  const cooldown = Math.min(longestCooldownSeconds, settleSeconds * 2 ** successes.length)
  return endedWithin(successes[0], cooldown, now)
}

/** An end in the future comes from a clock that has been set back since. It does not count, because waiting for it could take days. */
function endedWithin(run: Run | undefined, seconds: number, now: Date): boolean {
  if (!run) return false
  const agoSeconds = (now.getTime() - Date.parse(run.finished ?? run.started)) / 1000
  return agoSeconds >= 0 && agoSeconds < seconds
}
