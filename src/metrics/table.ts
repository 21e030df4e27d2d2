import { repositoryMetrics } from './repository-rows.ts'
import { type MetricRow, orUnknown, unixSeconds } from './sample.ts'
import { targetMetrics } from './target-rows.ts'
import type { MetricsView } from './view.ts'

export const prefix = 'xnai_backup_'

const single =
  (value: (view: MetricsView) => number): MetricRow['samples'] =>
  (view) => [{ labels: {}, value: value(view) }]

const controllerMetrics: MetricRow[] = [
  {
    name: 'build_info',
    type: 'gauge',
    help: 'The version of the controller, as a label of the constant 1.',
    labels: ['version'],
    samples: ({ version }) => [{ labels: { version }, value: 1 }],
  },
  {
    name: 'start_timestamp_seconds',
    type: 'gauge',
    help: 'When the controller started.',
    labels: [],
    samples: single(({ started }) => started.getTime() / 1000),
  },
  {
    name: 'last_pass_timestamp_seconds',
    type: 'gauge',
    help: 'When the newest pass of the controller ended; 0 before the first. There is one each minute.',
    labels: [],
    samples: single(({ pass }) => (pass ? pass.at.getTime() / 1000 : 0)),
  },
  {
    name: 'last_pass_duration_seconds',
    type: 'gauge',
    help: 'How long the newest pass took.',
    labels: [],
    samples: single(({ pass }) => pass?.seconds ?? 0),
  },
  {
    name: 'failed_passes',
    type: 'gauge',
    help: 'How many passes in a row could not list the containers. Targets are shown as they were before.',
    labels: [],
    samples: single(({ pass }) => pass?.failures ?? 0),
  },
  {
    name: 'targets',
    type: 'gauge',
    help: 'Number of targets, those that labels have broken included.',
    labels: [],
    samples: single(({ stack }) => orUnknown(stack?.status.targets.length)),
  },
  {
    name: 'problems',
    type: 'gauge',
    help: 'Number of problems of labels and targets, as `status` lists them.',
    labels: [],
    samples: single(({ stack }) => orUnknown(stack?.status.problems.length)),
  },
  {
    name: 'unfinished_recoveries',
    type: 'gauge',
    help: 'What dead runs left behind and is not finished yet.',
    labels: [],
    samples: single(({ stack }) => orUnknown(stack?.status.recovery.length)),
  },
  {
    name: 'last_prune_timestamp_seconds',
    type: 'gauge',
    help: 'When old snapshots were removed last; 0 before the first time.',
    labels: [],
    samples: single(({ stack }) => unixSeconds(stack?.status.prune?.time)),
  },
  {
    name: 'last_prune_success',
    type: 'gauge',
    help: '1 where the last removal of old snapshots was complete.',
    labels: [],
    samples: single(({ stack }) => orUnknown(stack?.status.prune && stack.status.prune.outcome === 'complete')),
  },
  {
    name: 'pending_notifications',
    type: 'gauge',
    help: 'Notifications that no service has taken yet.',
    labels: [],
    samples: single(({ pendingNotices }) => pendingNotices),
  },
]

/** Every metric, in the order in which it is shown. */
export const metricRows: MetricRow[] = [...controllerMetrics, ...targetMetrics, ...repositoryMetrics]
