import type { Schedules } from './catalog.ts'
import type { PruneState, Pruning } from './pruning.ts'

/** It stands beside the schedules of targets, under a project that has no name: no target has such a one. */
const [project, name] = ['', 'prune']

export function makePruning({ schedule, saveSchedule }: Schedules): Pruning {
  return {
    pruneState: () => schedule(project, name) as PruneState,
    savePruneState: (change) => saveSchedule(project, name, change),
  }
}
