import type { Run } from '../../../src/catalog/catalog.ts'
import type { NotifyInput } from '../../../src/notify/decide.ts'
import type { RepositoryStatus, StatusReport, TargetStatus } from '../../../src/report/status.ts'

/** A target whose newest backup is an hour old at `now`. */
export const target = (name: string, now: string, more: Partial<TargetStatus> = {}): TargetStatus => ({
  project: 'shop',
  target: name,
  method: 'files',
  container: `shop-${name}-1`,
  schedule: '0 2 * * *',
  firstSeen: '2026-09-01T00:00:00.000Z',
  lastSuccess: new Date(Date.parse(now) - 3_600_000).toISOString(),
  lastRun: null,
  ageSeconds: 3600,
  rpoSeconds: 86_400,
  rpoMet: true,
  lastDrill: null,
  lastVerdict: null,
  drillSeconds: null,
  rtoSeconds: 7200,
  rtoMet: null,
  nextRun: null,
  waiting: null,
  running: false,
  damaged: null,
  shrunk: null,
  problems: [],
  ...more,
})

export const local: RepositoryStatus = {
  tier: 'local',
  url: 'archive:/backups',
  ok: true,
  snapshots: 3,
  storedBytes: 1000,
  damaged: [],
  freeBytes: 1e9,
  keyConfirmed: null,
  replication: null,
  problems: [],
}

export const reportOf = (targets: TargetStatus[], more: Partial<StatusReport> = {}): StatusReport => ({
  targets,
  repositories: [local],
  problems: [],
  recovery: [],
  prune: null,
  ...more,
})

export const error = { code: 'SERVICE_DOWN', message: 'no answer', hint: 'Start it.' } as const

export const failedRun = (time: string, code: 'SERVICE_DOWN' | 'CANCELLED' = 'SERVICE_DOWN') => ({
  lastRun: { run: 'r1', kind: 'backup' as const, outcome: 'failed' as const, time, error: { ...error, code } },
})

export const completeRun = (name: string, time: string): Run => ({
  id: `run-${time}`,
  kind: 'backup',
  trigger: 'schedule',
  project: 'shop',
  target: name,
  started: time,
  finished: time,
  outcome: 'complete',
  bytes: 1_500_000,
  seconds: 41,
})

export const input = (now: string, more: Partial<NotifyInput> = {}): NotifyInput => ({
  now: new Date(now),
  stack: 'shop',
  runs: [],
  isBusy: false,
  hasCrashed: false,
  id: 'the-id',
  report: reportOf([target('db', now)]),
  ...more,
})
