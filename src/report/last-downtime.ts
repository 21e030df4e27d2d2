import type { RunKind } from '../catalog/catalog.ts'
import type { Parts } from '../job/job.ts'

/** How long services were down for a run that is over. */
export interface LastDowntime {
  kind: RunKind
  /** ISO 8601 UTC: when that run started. */
  time: string
  seconds: number
}

/** Runs that are looked at: an old one says little of the data of now. */
const newest = 20

/**
 * The downtime of the newest restore of a target that was complete, else that of its newest backup. Undefined where none of them stopped
 * anything.
 */
export function lastDowntime(
  { catalog }: Pick<Parts, 'catalog'>,
  { project, name }: { project: string; name: string },
): LastDowntime | undefined {
  for (const kind of ['restore', 'backup'] as const) {
    const runs = catalog.runs({ project, target: name, kind, outcome: 'complete', limit: newest })
    const { started, downtimeSeconds } = runs.find((run) => run.downtimeSeconds) ?? {}
    if (started !== undefined && downtimeSeconds) return { kind, time: started, seconds: downtimeSeconds }
  }
  return undefined
}
