import type { SnapshotMeta } from '../src/repository/repository.ts'

/** What a run would say of a snapshot of a small Redis. `time` is ISO 8601 UTC. */
export function snapshotMeta(target: string, time: string, project = 'bench'): SnapshotMeta {
  return {
    id: `${time.replaceAll(/[-:.]/g, '')}-${target}`,
    project,
    target,
    method: 'redis',
    time,
    set: time,
    run: time,
    reason: 'schedule',
    facts: { keys: 1000, version: '8.0.0' },
    container: { name: `${project}-${target}-1`, image: 'localhost/app', imageId: 'sha256:app', user: '' },
    engine: { name: 'podman', version: '5.0.0' },
    creator: 'bench',
    quiesced: [],
    warnings: [],
  }
}
