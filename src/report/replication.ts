import type { ReplicationEnd } from '../catalog/replicating.ts'
import { BackupError, type ErrorReport, reportError } from '../errors.ts'
import { targetKey } from '../plan/plan.ts'
import { waitingForRemote } from '../plan/replication.ts'
import { newestBackup } from './newest-backup.ts'
import type { ObservedState, SnapshotSummary } from './observe.ts'

/** What has still to be copied to the remote repository, as `status --json` prints it. */
export interface ReplicationReport {
  waiting: number
  /** ISO 8601 UTC: when the oldest of them was taken. */
  since: string | null
  /** How the last copying ended. */
  last: ReplicationEnd | null
}

/** Undefined where there is no remote repository, or the local one cannot be listed. */
export function reportReplication(
  observed: ObservedState,
): { report: ReplicationReport; problems: ErrorReport[] } | undefined {
  const { plan, runs, now, repositories, replicated: last = null } = observed
  const [local, remote] = (['local', 'remote'] as const).map((tier) => repositories.find((one) => one.tier === tier))
  if (!local || local.error || !remote) return undefined
  const latestOf = (project: string, name: string) => newestBackup(runs.get(targetKey({ project, name })))?.snapshot
  const held = remote.error ? (remote.known ?? []) : remote.snapshots
  const waiting = waitingForRemote({ targets: plan.targets, local: local.snapshots, remote: held, now, latestOf })
  const report = { waiting: waiting.length, since: waiting.at(-1)?.time ?? null, last }
  return { report, problems: lateProblems(waiting, observed) }
}

/** A target whose data may be lost for longer than its objective allows, should this machine be lost. */
function lateProblems(waiting: SnapshotSummary[], { plan, now, replicated }: ObservedState): ErrorReport[] {
  return plan.targets.flatMap((target) => {
    const own = waiting.filter((one) => one.project === target.project && one.target === target.name)
    const oldest = own.at(-1)
    if (!oldest || (now.getTime() - Date.parse(oldest.time)) / 1000 <= target.rpoSeconds) return []
    const what = own.length === 1 ? `snapshot ${oldest.id} has` : `${own.length} snapshots have`
    const why = replicated?.error ? `: ${replicated.error.message}` : ''
    const message = `${targetKey(target)}: ${what} waited for the remote repository since ${oldest.time}${why}`
    return [reportError(new BackupError('REPLICATION_LATE', message))]
  })
}
