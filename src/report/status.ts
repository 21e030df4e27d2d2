import type { DrillVerdict } from '../catalog/drill-end.ts'
import type { PruneEnd } from '../catalog/pruning.ts'
import { type ErrorReport, reportError } from '../errors.ts'
import { schedule } from '../labels/schedule.ts'
import { isInFuture } from '../plan/dated.ts'
import { type BrokenTarget, type Problem, type Target, targetKey } from '../plan/plan.ts'
import type { Tier } from '../repository/repository.ts'
import { type DamagedSnapshot, damageProblem, newest, newestBackups, reportDamaged } from './damage.ts'
import { drillProblems, reportDrills } from './drills.ts'
import { type LastRun, lastRun } from './last-run.ts'
import { nextRun } from './next-run.ts'
import type { ObservedRepository, ObservedState, SnapshotSummary } from './observe.ts'
import { type ReplicationReport, reportReplication } from './replication.ts'
import { reportRoom } from './room.ts'
import { findShrunk, type Shrunk } from './shrunk.ts'
import { reportUnfinished } from './unfinished.ts'
import { reportWaiting, type Waiting } from './waiting.ts'

/** The document of `status --json`: contract, section 5. */
export interface StatusReport {
  /** The broken targets come last. */
  targets: TargetStatus[]
  repositories: RepositoryStatus[]
  /** All problems of labels and of targets, those of broken targets included. */
  problems: Problem[]
  /** What dead runs left behind and is being finished, or waits for it: `finish the restore of shop/db`. */
  recovery: string[]
  /** How the last removal of old snapshots ended, by night or by hand; null where there was none. */
  prune: PruneEnd | null
}

/** Times are ISO 8601 UTC. Null means that the value is not known, or was not measured yet. */
export interface TargetStatus {
  project: string
  target: string
  method: string | null
  container: string
  schedule: string | null
  /** When a controller first saw it; null before that. */
  firstSeen: string | null
  lastSuccess: string | null
  /** The newest backup that has ended, whether it succeeded or not. */
  lastRun: LastRun | null
  ageSeconds: number | null
  rpoSeconds: number | null
  rpoMet: boolean | null
  /** When the newest drill has ended, whatever it found. */
  lastDrill: string | null
  lastVerdict: DrillVerdict | null
  /** Of the newest drill that has verified a snapshot. */
  drillSeconds: number | null
  rtoSeconds: number | null
  rtoMet: boolean | null
  nextRun: string | null
  /** on-change: a change that is not captured yet. */
  waiting: Waiting | null
  running: boolean
  /** Id of the newest backup where it is damaged: it counts as none. */
  damaged: string | null
  /** The newest backup where it has less than half of those before it. */
  shrunk: Shrunk | null
  problems: Problem[]
}

export interface RepositoryStatus {
  tier: Tier
  url: string
  ok: boolean
  snapshots: number
  storedBytes: number
  damaged: DamagedSnapshot[]
  /** Null where it is not known. */
  freeBytes: number | null
  /** Whether its key was put away, as `repository key --confirmed` has said. Null where it needs none, or it is not known. */
  keyConfirmed: boolean | null
  /** What will become an error, such as a disk that is nearly full. */
  problems: ErrorReport[]
  /** Of the remote repository: what has still to be copied to it. Null: it is another one, or that is not known. */
  replication: ReplicationReport | null
  error?: ErrorReport
}

/** Computes how far the objectives of each target are met. */
export function reportStatus(observed: ObservedState): StatusReport {
  const { plan, repositories } = observed
  const targets = plan.targets.map((target) => reportTarget(target, observed))
  return {
    targets: [...targets, ...plan.broken.map(reportBroken)],
    repositories: repositories.map((one) => reportRepository(one, observed)),
    prune: observed.pruned ?? null,
    recovery: observed.leftovers,
    problems: [
      ...reportUnfinished(observed.unfinished),
      ...plan.problems,
      ...targets.flatMap(({ problems }) => problems),
    ],
  }
}

/** Whether the newest backup of a target did not complete. A later one that does clears it. */
export const hasFailed = ({ lastRun }: Pick<TargetStatus, 'lastRun'>): boolean =>
  lastRun !== null && lastRun.outcome !== 'complete'

/**
 * False when an objective is missed, be it the age of the last backup or the time of the last drill, the last run of a target or the
 * last removal of old snapshots failed, there is a problem, or a repository cannot be listed.
 */
export function meetsObjectives({ targets, repositories, problems, prune }: StatusReport): boolean {
  const isGood = targets.every((target) => target.rpoMet !== false && target.rtoMet !== false && !hasFailed(target))
  if (prune !== null && prune.outcome !== 'complete') return false
  return isGood && problems.length === 0 && repositories.every((one) => one.ok && one.problems.length === 0)
}

function reportTarget(target: Target, observed: ObservedState): TargetStatus {
  const { now, locked, runs } = observed
  const { past = [], future = [] } = Object.groupBy(backupsOf(target, observed.repositories), ({ time }) =>
    isInFuture(time, now) ? 'future' : 'past',
  )
  const { whole: last, damaged } = newestBackups(target, past, observed.repositories)
  const ageSeconds = last === undefined ? null : Math.max(0, (now.getTime() - Date.parse(last.time)) / 1000)
  const isYoung = ageSeconds !== null && ageSeconds <= target.rpoSeconds
  return {
    project: target.project,
    target: target.name,
    method: target.spec.method,
    container: target.container.name,
    schedule: schedule.format(target.schedule),
    firstSeen: observed.schedules.get(targetKey(target))?.firstSeen ?? null,
    lastSuccess: last?.time ?? null,
    lastRun: lastRun(runs.get(targetKey(target)) ?? [], now),
    ageSeconds,
    rpoSeconds: target.rpoSeconds,
    rpoMet: isYoung || (last !== undefined && !damaged && isUnchanged(target, observed)),
    ...reportDrills(target, observed),
    nextRun: nextRun(target, now),
    waiting: reportWaiting(target, observed.schedules.get(targetKey(target)) ?? {}, now),
    running: locked.has(targetKey(target)),
    damaged: damaged?.id ?? null,
    shrunk: findShrunk(past),
    problems: [
      ...explainFuture(target, future),
      ...(damaged ? [damageProblem(target, damaged)] : []),
      ...drillProblems(target, observed),
    ],
  }
}

/** The snapshots in any tier. A safety snapshot holds what a restore was to replace: it does not count as a backup. */
const backupsOf = ({ project, name }: Target, repositories: ObservedRepository[]): SnapshotSummary[] =>
  repositories
    .flatMap(({ snapshots }) => snapshots)
    .filter((each) => each.project === project && each.target === name && each.reason !== 'safety')

/** A snapshot that a wrong clock dated into the future would meet every objective until then. */
function explainFuture({ project, name, container }: Target, future: SnapshotSummary[]): Problem[] {
  const count = new Set(future.map(({ id }) => id)).size
  const id = newest(future)?.id
  if (id === undefined) return []
  const reason =
    count === 1
      ? `snapshot ${id} is dated in the future by a wrong clock: it counts as no backup, and is restored by its id only`
      : `${count} snapshots, the newest ${id}, are dated in the future by a wrong clock: they count as no backups, and are restored by their ids only`
  return [{ project, container: container.name, target: name, label: '', value: '', reason }]
}

/**
 * The newest snapshot of an on-change target, however old it is, holds what is there now as long as the data has not changed. That is
 * known of the time of the newest walk that could read the data, and the objective is measured from there.
 */
function isUnchanged(target: Target, { schedules, now }: ObservedState): boolean {
  if (target.schedule.kind !== 'on-change') return false
  const { capturedFingerprint, seenFingerprint, seenAt } = schedules.get(targetKey(target)) ?? {}
  if (capturedFingerprint === undefined || capturedFingerprint !== seenFingerprint) return false
  if (seenAt === undefined || isInFuture(seenAt, now)) return false
  return (now.getTime() - Date.parse(seenAt)) / 1000 <= target.rpoSeconds
}

function reportBroken({ project, name, container, problems }: BrokenTarget): TargetStatus {
  return {
    project,
    target: name,
    method: null,
    container,
    schedule: null,
    firstSeen: null,
    lastSuccess: null,
    lastRun: null,
    ageSeconds: null,
    rpoSeconds: null,
    rpoMet: null,
    lastDrill: null,
    lastVerdict: null,
    drillSeconds: null,
    rtoSeconds: null,
    rtoMet: null,
    nextRun: null,
    waiting: null,
    running: false,
    damaged: null,
    shrunk: null,
    problems,
  }
}

function reportRepository(repository: ObservedRepository, observed: ObservedState): RepositoryStatus {
  const { tier, url, snapshots, damaged, freeBytes = null, isKeyConfirmed = null, error } = repository
  const replication = tier === 'remote' ? reportReplication(observed) : undefined
  return {
    tier,
    url,
    ok: error === undefined,
    snapshots: snapshots.length,
    storedBytes: snapshots.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    damaged: damaged.map(reportDamaged),
    freeBytes,
    keyConfirmed: isKeyConfirmed,
    problems: [...reportRoom(observed.plan, repository), ...(replication?.problems ?? [])],
    replication: replication?.report ?? null,
    ...(error && { error: reportError(error) }),
  }
}
