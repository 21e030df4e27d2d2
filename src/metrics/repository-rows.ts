import type { RepositoryStatus } from '../report/status.ts'
import { type MetricRow, orUnknown, unixSeconds } from './sample.ts'
import type { MetricsView } from './view.ts'

/** A gauge with one value for each repository. */
const gauge = (name: string, help: string, value: (repository: RepositoryStatus) => number): MetricRow => ({
  name,
  type: 'gauge',
  help,
  labels: ['tier'],
  samples: ({ stack }) =>
    (stack?.status.repositories ?? []).map((one) => ({ labels: { tier: one.tier }, value: value(one) })),
})

/** A gauge of the copies to the remote repository. Without one there is no series. */
const remote = (name: string, help: string, value: (repository: RepositoryStatus) => number): MetricRow => ({
  name,
  type: 'gauge',
  help,
  labels: [],
  samples: ({ stack }) =>
    (stack?.status.repositories ?? [])
      .filter(({ tier }) => tier === 'remote')
      .map((one) => ({ labels: {}, value: value(one) })),
})

/** Nothing is known of what lies in a repository that does not answer. */
const listed = ({ ok }: RepositoryStatus, value: number): number => (ok ? value : Number.NaN)

export const repositoryMetrics: MetricRow[] = [
  gauge('repository_up', '1 where the repository answers, and is the expected one.', ({ ok }) => Number(ok)),
  gauge('repository_stored_bytes', 'Size of all snapshots, as they are stored.', (one) => listed(one, one.storedBytes)),
  gauge('repository_free_bytes', 'Room for new snapshots; NaN where the repository cannot tell.', ({ freeBytes }) =>
    orUnknown(freeBytes),
  ),
  gauge('repository_nearly_full', '1 where two more backups of every target do not fit.', ({ problems }) =>
    Number(problems.some(({ code }) => code === 'NO_SPACE')),
  ),
  gauge('repository_damaged_snapshots', 'Snapshots of which damage is known.', (one) =>
    listed(one, one.damaged.length),
  ),
  remote('replication_waiting_snapshots', 'Snapshots that are still to be copied to the remote repository.', (one) =>
    orUnknown(one.replication?.waiting),
  ),
  remote(
    'replication_oldest_waiting_timestamp_seconds',
    'When the oldest of them was taken; 0 where none waits.',
    ({ replication }) => (replication ? unixSeconds(replication.since) : Number.NaN),
  ),
  remote('replication_late', '1 where one has waited for longer than the `rpo` of its target.', ({ problems }) =>
    Number(problems.some(({ code }) => code === 'REPLICATION_LATE')),
  ),
  {
    name: 'snapshots',
    type: 'gauge',
    help: 'Snapshots of a target in a repository, safety snapshots included.',
    labels: ['project', 'target', 'tier'],
    samples: ({ stack }) => (stack ? countSnapshots(stack) : []),
  },
]

/** Zero, too, is counted. */
function countSnapshots({ status, repositories }: NonNullable<MetricsView['stack']>) {
  return status.targets.flatMap(({ project, target }) =>
    repositories.map(({ tier, snapshots, error }) => {
      const own = snapshots.filter((one) => one.project === project && one.target === target)
      return { labels: { project, target, tier }, value: error ? Number.NaN : own.length }
    }),
  )
}
