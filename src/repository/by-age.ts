import type { Snapshot } from './repository.ts'

/** Sorts snapshots, the oldest first. Those of one instant have a fixed order too. */
export const byAge = (a: Pick<Snapshot, 'time' | 'id'>, b: Pick<Snapshot, 'time' | 'id'>): number =>
  a.time.localeCompare(b.time) || a.id.localeCompare(b.id)
