import type { ErrorReport } from '../errors.ts'

/** Remembers how the last copying to the remote repository went. */
export interface Replicating {
  /** Undefined where there was none yet. */
  lastReplication(): ReplicationEnd | undefined
  saveReplication(end: ReplicationEnd): void
}

export interface ReplicationEnd {
  /** ISO 8601 UTC. */
  time: string
  outcome: 'complete' | 'incomplete' | 'failed'
  /** How many snapshots were copied. */
  copied: number
  error?: ErrorReport
}
