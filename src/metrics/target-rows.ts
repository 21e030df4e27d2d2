import { targetKey, targetKeyOf } from '../plan/plan.ts'
import { newestBackup } from '../report/newest-backup.ts'
import { hasFailed, type TargetStatus } from '../report/status.ts'
import { type MetricRow, orUnknown, unixSeconds } from './sample.ts'
import { type MetricsView, outcomes, runKinds } from './view.ts'

const names = ['project', 'target'] as const
const labelsOf = ({ project, target }: TargetStatus) => ({ project, target })

/** A gauge with one value for each target. */
const gauge = (name: string, help: string, value: (target: TargetStatus, view: MetricsView) => number): MetricRow => ({
  name,
  type: 'gauge',
  help,
  labels: names,
  samples: (view) =>
    (view.stack?.status.targets ?? []).map((target) => ({ labels: labelsOf(target), value: value(target, view) })),
})

/** Of a target that labels have broken nothing is known. Of any other, 0 says that it never happened. */
const known = (target: TargetStatus, time: string | null | undefined): number =>
  target.method === null ? Number.NaN : unixSeconds(time)

const newestRun = (target: TargetStatus, { stack }: MetricsView) =>
  stack?.targets.runs.get(targetKeyOf(target))?.find(({ outcome }) => outcome !== undefined)

const lastBackup = (target: TargetStatus, { stack }: MetricsView) =>
  newestBackup(stack?.targets.runs.get(targetKeyOf(target)))

export const targetMetrics: MetricRow[] = [
  gauge('target_broken', '1 where the target is not run because of its labels.', ({ method }) =>
    Number(method === null),
  ),
  gauge('target_running', '1 while a run works on the target.', ({ running }) => Number(running)),
  gauge('target_problems', 'Number of problems of the target.', ({ problems }) => problems.length),
  gauge('first_seen_timestamp_seconds', 'When a controller saw the target for the first time.', (target) =>
    known(target, target.firstSeen),
  ),
  gauge('last_success_timestamp_seconds', 'When the newest whole backup was taken; 0 without one.', (target) =>
    known(target, target.lastSuccess),
  ),
  gauge(
    'last_run_timestamp_seconds',
    'When the newest backup ended, whether it succeeded or not; 0 without one.',
    (target) => known(target, target.lastRun?.time),
  ),
  gauge('last_run_success', '1 where the newest backup that has ended is complete.', (target) =>
    orUnknown(target.lastRun && !hasFailed(target)),
  ),
  gauge('last_run_duration_seconds', 'How long the newest backup that has ended took.', (target, view) =>
    orUnknown(newestRun(target, view)?.seconds),
  ),
  gauge('next_run_timestamp_seconds', 'The next slot of the schedule; NaN where it has none.', ({ nextRun }) =>
    nextRun === null ? Number.NaN : unixSeconds(nextRun),
  ),
  gauge('last_backup_size_bytes', 'Size of the newest backup, before compression.', (target, view) =>
    orUnknown(lastBackup(target, view)?.bytes),
  ),
  gauge(
    'last_backup_shrunk',
    '1 where the newest backup has less than half of each of the three before it.',
    ({ shrunk }) => Number(shrunk !== null),
  ),
  gauge('last_backup_damaged', '1 where the newest backup is known to be damaged.', ({ damaged }) =>
    Number(damaged !== null),
  ),
  {
    name: 'last_stop_duration_seconds',
    type: 'gauge',
    help: 'How long the container was down for the newest backup of the target; 0 where nothing is stopped for it.',
    labels: [...names, 'container'],
    samples: (view) => (view.stack?.status.targets ?? []).flatMap((target) => stops(target, view)),
  },
  gauge('rpo_seconds', 'Greatest age that the newest backup may have.', ({ rpoSeconds }) => orUnknown(rpoSeconds)),
  gauge('rpo_met', '1 where the newest backup is young enough.', ({ rpoMet }) => orUnknown(rpoMet)),
  gauge('rto_seconds', 'Longest time that a restore may take.', ({ rtoSeconds }) => orUnknown(rtoSeconds)),
  gauge('rto_met', '1 where the last drill was fast enough; NaN without one.', ({ rtoMet }) => orUnknown(rtoMet)),
  gauge(
    'last_drill_timestamp_seconds',
    'When the last drill ended, whether it succeeded or not; 0 without one.',
    (target) => known(target, target.lastDrill),
  ),
  gauge(
    'last_drill_success',
    '1 where the last drill has verified a snapshot, 0 where it failed or could not run.',
    (target) => orUnknown(target.lastVerdict && target.lastVerdict === 'verified'),
  ),
  gauge(
    'last_drill_duration_seconds',
    'How long the newest drill took that has verified a snapshot.',
    ({ drillSeconds }) => orUnknown(drillSeconds),
  ),
  {
    name: 'runs_total',
    type: 'counter',
    help: 'Runs that have ended since the controller started, by hand too.',
    labels: [...names, 'kind', 'outcome'],
    samples: ({ stack, runs }) =>
      (stack?.status.targets ?? []).flatMap((target) =>
        runKinds.flatMap((kind) =>
          outcomes.map((outcome) => ({
            labels: { ...labelsOf(target), kind, outcome },
            value: runs.of(target, kind, outcome),
          })),
        ),
      ),
  },
]

/** The containers that a backup of the target holds. Runs of older versions know only for how long the longest was down. */
function stops(target: TargetStatus, view: MetricsView) {
  const plan = view.stack?.targets.plan.targets.find((one) => targetKey(one) === targetKeyOf(target))
  const held = plan?.quiesced.map(({ name }) => name) ?? []
  const { heldSeconds = {}, downtimeSeconds } = lastBackup(target, view) ?? {}
  const secondsOf = (container: string) =>
    held.length === 0 ? 0 : orUnknown(heldSeconds[container] ?? downtimeSeconds)
  const containers = held.length === 0 ? [target.container] : held
  return containers.map((container) => ({ labels: { ...labelsOf(target), container }, value: secondsOf(container) }))
}
