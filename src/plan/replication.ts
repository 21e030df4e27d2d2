import type { Target } from './plan.ts'
import { type Dated, keep, nothingLeft } from './retention.ts'

/** A snapshot as far as it decides what is copied. */
export interface Copyable extends Dated {
  project: string
  target: string
}

export interface ReplicationState<S extends Copyable> {
  targets: Pick<Target, 'project' | 'name' | 'retention' | 'timezone'>[]
  local: S[]
  remote: Copyable[]
  now: Date
  /** Id of what the last backup of a target left: see `KeepOptions`. */
  latestOf(project: string, name: string): string | undefined
}

/**
 * Decides which local snapshots have still to be copied to the remote repository, the newest first: those that its policy would keep if
 * they were there. A safety snapshot serves the machine that it was taken on, and a damaged one serves nobody.
 */
export function waitingForRemote<S extends Copyable>(state: ReplicationState<S>): S[] {
  const waiting = state.targets.flatMap((target) => {
    const isOf = (one: Copyable) => one.project === target.project && one.target === target.name
    return waitingOf(target, { ...state, local: state.local.filter(isOf), remote: state.remote.filter(isOf) })
  })
  return waiting.toSorted((a, b) => (a.time < b.time ? 1 : -1))
}

function waitingOf<S extends Copyable>(
  { project, name, retention, timezone }: ReplicationState<S>['targets'][number],
  { local, remote, now, latestOf }: ReplicationState<S>,
): S[] {
  const present = new Set(remote.map(({ id }) => id))
  const missing = local.filter(({ id, reason, damaged }) => !present.has(id) && reason !== 'safety' && !damaged)
  if (missing.length === 0) return []
  const latest = latestOf(project, name)
  const options = { policy: retention.remote, timezone, now, ...(latest !== undefined && { latest }) }
  const wanted = new Set(
    keep<Copyable>([...missing, ...remote], options).flatMap(({ snapshot, keep, reasons }) =>
      keep && reasons.some((reason) => reason !== nothingLeft) ? [snapshot.id] : [],
    ),
  )
  return missing.filter(({ id }) => wanted.has(id))
}
