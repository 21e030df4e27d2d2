/** What is known of the copying to the remote repository. Times are of the monotonic clock, in milliseconds. */
export interface ReplicationMemory {
  /** When the last one ended. Undefined: none was done yet. */
  endedMs?: number
  /** How many have failed since the last one that did not. */
  failures: number
  /** What the newest backups were when the last one began that did not fail. */
  newest?: string
}

const retryMs = [60_000, 300_000, 900_000]
/** What another process has stored, or removed from the remote repository, is found so much later at the latest. */
const regularMs = 3_600_000

/**
 * Decides whether to look what is to be copied: at the start, after a backup, each hour, and after a failure in 1, 5 and 15 minutes, then
 * each hour. `newest` names the newest backups of all targets. Looking costs a listing of both repositories.
 */
export function isReplicationDue(
  { endedMs, failures, newest: before }: ReplicationMemory,
  newest: string,
  nowMs: number,
): boolean {
  if (endedMs === undefined) return true
  if (failures > 0) return nowMs - endedMs >= (retryMs[failures - 1] ?? regularMs)
  return newest !== before || nowMs - endedMs >= regularMs
}
