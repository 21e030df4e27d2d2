import type { ContainerFacts } from '../engine/engine.ts'
import type { TargetSpec } from '../labels/spec.ts'
import type { SnapshotRef } from '../repository/repository.ts'

export type IntentId = number

export interface Orphan {
  id: IntentId
  intent: Intent
  /** The process that recorded it, whichever recoveries have died over it since. Absent where the intent was abandoned. */
  origin?: string
}

/**
 * Something that must be undone when the process dies. Containers are found again by project, service and number, not only by id.
 */
export type Intent =
  | ResumeIntent
  | { kind: 'leave-network'; network: string; container: ContainerRef }
  | { kind: 'exec'; container: ContainerRef; command: string[]; timeoutSeconds: number }
  /** `Method.undo` undoes it. The intent holds all that it has to know, because the labels may have changed since. */
  | { kind: 'undo-method'; container: ContainerRef; spec: TargetSpec; paths: string[]; detail: Record<string, string> }
  /** A folder that the process made for itself, below its temporary folder. */
  | { kind: 'remove-scratch'; folder: string }
  /** The containers, networks and volumes that the drill of this run has made are to be removed. */
  | { kind: 'end-drill'; run: string }
  | RollBackIntent

/** A container is to be brought back into the state in which a run found it. */
export interface ResumeIntent {
  kind: 'resume'
  /** `pause` starts it and pauses it again. */
  how: 'start' | 'unpause' | 'stop' | 'pause'
  container: ContainerRef
  /** Seconds within which it has to run and, where it has a health check, be healthy. */
  startTimeoutSeconds: number
  /** Its start time when the intent was recorded. As long as it is the same, a stop may still be under way. */
  startedAt?: string
  /** The grace of that stop. Default: the container's own. */
  stopTimeoutSeconds?: number
  /** It was unhealthy before: it has to run only. */
  unhealthyBefore?: boolean
  /**
   * It holds what was known of a container that is gone while it is held, so that plans do not miss it. The environment, which may hold
   * secrets, is left out.
   */
  gone?: Omit<ContainerFacts, 'environment'>
}

/** An incomplete restore is to be rolled back to `safety`. Without a safety snapshot it is completed, and never beyond `only`. */
export interface RollBackIntent {
  kind: 'roll-back'
  project: string
  target: string
  snapshot: SnapshotRef
  safety: SnapshotRef | undefined
  /** The paths that the restore was asked for. Default: all. */
  only?: string[]
  /** Container paths that did not exist before the restore. */
  absent?: string[]
  /** The names of the containers that MUST NOT be started before it is carried out: what they would see is neither state. */
  keepsDown?: string[]
  /** An attempt to carry it out has failed. */
  failed?: true
  /** The method has noted this by `RestoreContext.noteForRollBack`. */
  noted?: Record<string, string>
}

export interface ContainerRef {
  id: string
  name: string
  /** Absent in what older versions recorded. */
  engine?: ContainerFacts['engine']
  /** The systemd unit that is started in place of the container, which is gone while the unit is stopped. */
  unit?: string
  project?: string
  service?: string
  number?: number
}
