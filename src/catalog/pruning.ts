import type { ErrorReport } from '../errors.ts'

/** Remembers how the removal of old snapshots went. */
export interface Pruning {
  pruneState(): PruneState
  /** Changes the given fields and leaves the others as they are. */
  savePruneState(change: Partial<PruneState>): void
}

export interface PruneState {
  /** ISO 8601 UTC: when a controller first looked. Slots before it do not count as missed. */
  firstSeen?: string
  /** ISO 8601 UTC of the last slot in which it was done. */
  lastSlot?: string
  /** The last one of all repositories and targets, by night or by hand. */
  last?: PruneEnd
}

export interface PruneEnd {
  /** ISO 8601 UTC. */
  time: string
  outcome: 'complete' | 'incomplete' | 'failed'
  removed: number
  /** The size of what was removed, as it was stored. */
  freedBytes: number
  error?: ErrorReport
}
