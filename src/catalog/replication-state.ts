import type { Schedules } from './catalog.ts'
import type { Replicating, ReplicationEnd } from './replicating.ts'

/** It stands beside the schedules of targets, under a project that has no name: no target has such a one. */
const [project, name] = ['', 'replication']

export function makeReplicating({ schedule, saveSchedule }: Schedules): Replicating {
  return {
    lastReplication: () => (schedule(project, name) as { last?: ReplicationEnd }).last,
    saveReplication: (last) => saveSchedule(project, name, { last } as object),
  }
}
