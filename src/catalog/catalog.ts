import type { ErrorReport } from '../errors.ts'
import type { TargetSpec } from '../labels/spec.ts'
import type { SnapshotRef } from '../repository/repository.ts'

/** Durable memory of the controller and of every command: locks, intents, runs, slots. Losing it loses history, never a backup. */
export interface Catalog extends Disposable {
  /** Id of this process in the catalog. Its life sign falls with the process. */
  readonly owner: string
  /** All of the keys or none: BUSY names the holder. A dead owner's lock is void. Released by dispose. */
  lock(keys: string[], run: string): Disposable
  /** Runs that hold a key at the moment. */
  holders(): { key: string; run: string }[]

  /** Durable when it returns: the act may follow. */
  addIntent(intent: Intent): IntentId
  /** The act was undone, or need not be any more. */
  dropIntent(id: IntentId): void
  /** The undoing failed: leaves the intent to whoever looks next, this process included. */
  abandonIntent(id: IntentId): void
  /** Intents abandoned or of dead owners, newest first; each is claimed for this process, so that nobody else undoes it too. */
  claimOrphans(): { id: IntentId; intent: Intent }[]

  /** One row per target of a run. */
  startRun(run: RunStart): void
  finishRun(id: string, project: string, target: string, end: RunEnd): void
  /** Newest first. Runs of dead owners are shown as failed with INTERRUPTED. */
  runs(filter: { project?: string; target?: string; kind?: RunKind; outcome?: Outcome; limit?: number }): Run[]

  /** What the schedule knows of one target. */
  schedule(project: string, target: string): ScheduleState
  saveSchedule(project: string, target: string, change: Partial<ScheduleState>): void
}

export type IntentId = number

/** A durable note of something that must be undone. Containers are found again by project, service and number, not only by id. */
export type Intent =
  | { kind: 'resume'; how: 'start' | 'unpause' | 'stop'; container: ContainerRef; startTimeoutSeconds: number }
  | { kind: 'leave-network'; network: string; container: ContainerRef }
  | { kind: 'exec'; container: ContainerRef; command: string[]; timeoutSeconds: number }
  /** What `Method.undo` undoes, with all that it has to know: the labels may have changed since. */
  | { kind: 'undo-method'; container: ContainerRef; spec: TargetSpec; paths: string[]; detail: Record<string, string> }
  /** One that this process made for itself, below its temporary folder. */
  | { kind: 'remove-scratch'; folder: string }
  | { kind: 'roll-back'; project: string; target: string; snapshot: SnapshotRef; safety: SnapshotRef | undefined }

export interface ContainerRef {
  id: string
  name: string
  project?: string
  service?: string
  number?: number
}

export type RunKind = 'backup' | 'restore' | 'drill'
export type Outcome = 'complete' | 'incomplete' | 'failed'

export interface RunStart {
  id: string
  kind: RunKind
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
  error?: ErrorReport
}

export interface Run extends RunStart, Partial<RunEnd> {}

export interface ScheduleState {
  /** ISO 8601 UTC: when the target was first seen; slots before it are not missed. */
  firstSeen?: string
  /** ISO 8601 UTC of the last cron slot that was run, or skipped with a reason. */
  lastSlot?: string
  /** on-change: fingerprint of the last captured data. */
  capturedFingerprint?: string
  /** on-change: fingerprint seen last, and since when it has not changed. */
  seenFingerprint?: string
  seenSince?: string
}
