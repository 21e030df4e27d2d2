import type { Parts } from '../job/job.ts'

/** How long the containers of a target were held for its newest backup that held any. */
export interface LastStop {
  /** ISO 8601 UTC: when that run started. */
  time: string
  /** By the name of the container. */
  heldSeconds: Record<string, number>
}

/** Runs that are looked at: an old one says little of the data of now. */
const newest = 20

/** Null where no backup that was complete held a container. */
export function lastStop({ catalog }: Pick<Parts, 'catalog'>, project: string, target: string): LastStop | null {
  const runs = catalog.runs({ project, target, kind: 'backup', outcome: 'complete', limit: newest })
  const { started, heldSeconds } = runs.find((run) => run.heldSeconds) ?? {}
  return started !== undefined && heldSeconds ? { time: started, heldSeconds } : null
}
