import type { ErrorReport } from '../errors.ts'
import type { DamageMemory } from '../repository/known-damage.ts'
import type { RepositoryAddress, RepositoryIdentities } from '../repository/known-repository.ts'
import type { ManifestCache } from '../repository/manifest-cache.ts'
import type { SnapshotRef } from '../repository/repository.ts'
import type { DrillEnd } from './drill-end.ts'
import type { Intent, IntentId, Orphan } from './intent.ts'
import type { LockKey } from './keys.ts'
import type { Notices } from './notices.ts'
import type { RunProgress } from './progress.ts'
import type { Pruning } from './pruning.ts'
import type { Replicating } from './replicating.ts'

export type * from './intent.ts'

/**
 * The durable memory of the controller and of every command that runs beside it. Losing it loses history, and what must still be
 * undone; it never loses a snapshot. A part of it is made by the file of the same name.
 */
export interface Catalog extends Locks, Intents, Pins, Runs, Schedules, Pruning, Replicating, Notices, Disposable {
  /** Id of this process. What it holds is void once the process has ended, however it ended. */
  readonly owner: string
  /** Id of the state directory: all processes that share it have the same one. */
  readonly state: string
  readonly manifests: ManifestCache
  readonly identities: RepositoryIdentities
  readonly damage: DamageMemory
  readonly confirmedKeys: ConfirmedKeys
  readonly host: HostMemory
}

/** Under which name this host stores snapshots. */
export interface HostMemory {
  /** Undefined where it was never determined. */
  read(): string | undefined
  /** Remembers the name in place of another one. */
  remember(name: string): void
  /** Whether versions that wrote no host into snapshots have used the repository from this state directory. */
  claimsOld(address: RepositoryAddress): boolean
}

/** The keys of repositories that somebody has put away, by their codes: see `RepositoryKey`. */
export interface ConfirmedKeys {
  has(code: string): boolean
  add(code: string): void
}

export interface Locks {
  /**
   * Takes all of the keys or none: BUSY names the run that holds one of them. A dead process holds nothing. Disposing releases
   * them.
   */
  lock(keys: LockKey[], run: string): Disposable
  /** The keys that live processes hold at the moment, with the run that took each. */
  holders(): { key: LockKey; run: string }[]
  /** Asks the run that holds locks, in whichever process, to end. It is forgotten with the locks. */
  cancel(run: string): void
  /** True once the end of the run was asked for, as long as it holds a lock. */
  isCancelled(run: string): boolean
}

export interface Intents {
  /** The intent is on disk when this returns: what it would undo may be done then. */
  addIntent(intent: Intent): IntentId
  /** Records another state of an intent that this process has added: see `addIntent`. */
  changeIntent(id: IntentId, intent: Intent): void
  /** Forgets an intent that was carried out, or that is not needed any more. */
  dropIntent(id: IntentId): void
  /** Gives up an intent that could not be carried out: whichever process asks next, this one included, may claim it. */
  abandonIntent(id: IntentId): void
  /**
   * Claims the intents that were abandoned, whose process has died, or that this process failed to drop or abandon because the
   * database could not be written; newest first. No other process claims them meanwhile. `isWanted` selects those to claim.
   */
  claimOrphans(isWanted?: (intent: Intent, id: IntentId) => boolean): { id: IntentId; intent: Intent }[]
  /** The intents that `claimOrphans` would claim now, newest first. */
  orphans(): Orphan[]
  /** Every intent that is recorded, whichever process owns it. */
  intents(): Intent[]
}

/** Holds snapshots that must not be removed while somebody needs them. */
export interface Pins {
  /**
   * Keeps snapshots from being removed until the result is disposed or the process dies. Others may pin the same ones. Throws
   * NO_SUCH_SNAPSHOT where one is being removed. Whether they are there MUST be asked afterwards: a removal may have just ended.
   */
  pin(snapshots: SnapshotRef[]): Disposable
  /** Answers what must not be removed: live processes have pinned it, or a recorded roll back needs it. */
  pinned(): SnapshotRef[]
  /**
   * Takes snapshots in order to remove them: nobody can pin them until the result is disposed or the process dies. `taken` leaves out
   * those that must not be removed. Two removals do not exclude each other.
   */
  takeForRemoval(snapshots: SnapshotRef[]): { taken: SnapshotRef[] } & Disposable
}

export interface Runs {
  /**
   * Records that a run has started on one target. Old runs are removed with it: of each kind and target the newest 200 stay, for at
   * most a year. A run that has not ended stays in any case.
   */
  startRun(run: RunStart): void
  finishRun(id: string, project: string, target: string, end: RunEnd): void
  /** Notes how far a run that goes on has come, for other processes to see. */
  noteProgress(id: string, project: string, target: string, progress: RunProgress): void
  /** Newest first. A run whose process died is shown as failed with INTERRUPTED. */
  runs(filter: RunFilter): Run[]
  /** Id of the snapshot that was left by the newest backup, by the order in which runs were recorded and not by their times. */
  lastSnapshot(project: string, target: string): string | undefined
  /** The targets that have runs. */
  targetsWithRuns(): { project: string; target: string }[]
  /**
   * Runs of which no controller has told yet, the oldest first: those by hand that have begun, as far as it is not told, or have ended,
   * and those by a schedule or a change whose controller died. A controller tells of the end of its own runs by itself. Default: of all
   * projects.
   */
  untoldRuns(project?: string): Run[]
  /** Notes that a controller tells of what `untoldRuns` has answered: of the end where the run has one, else of its begin. */
  noteTold(run: Run): void
}

export interface Schedules {
  /** What is known of one target's schedule; empty where nothing is. */
  schedule(project: string, target: string): ScheduleState
  /** Changes the given fields and leaves the others as they are. */
  saveSchedule(project: string, target: string, change: Partial<ScheduleState>): void
}

export type RunKind = 'backup' | 'restore' | 'drill'
export type Outcome = 'complete' | 'incomplete' | 'failed'

/** Says what began a run: the controller did, for its schedule or a change of the data, or a command. */
export type RunTrigger = 'schedule' | 'change' | 'manual'

/** One run on one target: a run on several targets is recorded once for each. */
export interface RunStart {
  id: string
  kind: RunKind
  trigger: RunTrigger
  project: string
  target: string
  /** ISO 8601 UTC. */
  started: string
}

export interface RunEnd {
  finished: string
  outcome: Outcome
  snapshot?: string
  bytes?: number
  seconds?: number
  downtimeSeconds?: number
  /** How long each container was held, by its name. */
  heldSeconds?: Record<string, number>
  /** True where the target has its data of before the restore again. */
  rolledBack?: true
  steps?: RunStep[]
  /** A drill ends with what it found. */
  drill?: DrillEnd
  error?: ErrorReport
}

/** How long a step of a run took. */
export interface RunStep {
  /** Plain words for people: `copying ahead`. */
  name: string
  seconds: number
}

/** Without an end, the run is still going on. Versions that recorded no trigger have left runs without one. */
export interface Run extends Omit<RunStart, 'trigger'>, Partial<Pick<RunStart, 'trigger'>>, Partial<RunEnd> {
  /** Absent where it is not known, and once the run has ended. */
  progress?: RunProgress
}

/** An absent field matches every run. */
export interface RunFilter {
  project?: string
  target?: string
  kind?: RunKind
  outcome?: Outcome
  /** Default 100. */
  limit?: number
}

export interface ScheduleState {
  /** ISO 8601 UTC: when the target was first seen. Slots before it do not count as missed. */
  firstSeen?: string
  /** ISO 8601 UTC of the last cron slot that was run, or skipped with a reason. */
  lastSlot?: string
  /** ISO 8601 UTC of the last slot of the drills that was run, or skipped with a reason. */
  lastDrillSlot?: string
  /** on-change: fingerprint of the data that was captured last. */
  capturedFingerprint?: string
  /** on-change: the fingerprint that was seen last, and since when it has not changed. */
  seenFingerprint?: string
  seenSince?: string
  /**
   * on-change: ISO 8601 UTC, since when the data has differed from what was captured last. Undefined while it does not. It outlives the
   * process, so that a restart does not begin the longest wait anew.
   */
  changedSince?: string | undefined
  /** on-change: ISO 8601 UTC, when the newest walk began that could read the data; recorded every minute. */
  seenAt?: string
}
