import { expect, test } from 'vitest'
import { renderMetrics } from '../../../src/metrics/render.ts'
import { metricRows, prefix } from '../../../src/metrics/table.ts'
import type { MetricsView } from '../../../src/metrics/view.ts'
import { makePlan } from '../../../src/plan/make-plan.ts'
import { completeRun, failedRun, local, reportOf, target } from '../notify/build.ts'
import { container, enabled, methods, settings, volume } from '../plan/build.ts'

const now = '2026-09-02T12:00:00.000Z'
const seconds = (time: string) => String(Date.parse(time) / 1000)
const run = { ...completeRun('db', '2026-09-02T02:00:00.000Z'), snapshot: 's1', downtimeSeconds: 1.5 }
const problem = { project: 'shop', container: 'shop-web-1', label: 'x', value: '', reason: 'is unknown' }

const view = (more: Partial<MetricsView> = {}): MetricsView => ({
  version: '1.2.3',
  started: new Date(now),
  runs: { of: () => 0 },
  pendingNotices: 2,
  ...more,
})

function stack(): NonNullable<MetricsView['stack']> {
  const db = container('db', { labels: enabled(), mounts: [volume('db', '/data')] })
  const none = { lastSuccess: null, lastRun: null, rpoMet: null, rpoSeconds: null, rtoSeconds: null }
  const targets = [
    target('db', now, { ...failedRun('2026-09-02T03:00:00.000Z'), lastVerdict: 'verified', drillSeconds: 41 }),
    target('new', now, { lastSuccess: null, rpoMet: false }),
    target('web', now, { ...none, method: null, firstSeen: null, problems: [problem] }),
  ]
  const replication = { waiting: 2, since: now, last: null }
  const snapshot = { id: 's1', project: 'shop', target: 'db', time: now, reason: 'schedule', items: 1 } as const
  return {
    status: reportOf(targets, {
      repositories: [local, { ...local, tier: 'remote', ok: false, replication }],
      problems: [problem],
    }),
    targets: { plan: makePlan([db], settings, methods), runs: new Map([['shop/db', [run]]]) } as never,
    repositories: [{ tier: 'local', url: '', damaged: [], snapshots: [{ ...snapshot, bytes: 9, storedBytes: 3 }] }],
  }
}

/** The values by their series. */
async function seriesOf(shown: MetricsView): Promise<Map<string, string>> {
  const { text } = await renderMetrics(shown)
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(prefix.length, line.lastIndexOf(' ')), line.split(' ').at(-1) ?? '']))
}

const ofDb = (name: string) => `${name}{project="shop",target="db"}`

test.each([
  [ofDb('last_success_timestamp_seconds'), seconds('2026-09-02T11:00:00Z')],
  [ofDb('last_run_success'), '0'],
  [ofDb('last_run_timestamp_seconds'), seconds('2026-09-02T03:00:00Z')],
  [ofDb('last_run_duration_seconds'), '41'],
  [ofDb('last_backup_size_bytes'), '1500000'],
  [ofDb('rpo_met'), '1'],
  [ofDb('rpo_seconds'), '86400'],
  [ofDb('last_drill_success'), '1'],
  [ofDb('last_drill_duration_seconds'), '41'],
  ['last_stop_duration_seconds{project="shop",target="db",container="shop-db-1"}', '1.5'],
  ['snapshots{project="shop",target="db",tier="local"}', '1'],
  ['snapshots{project="shop",target="new",tier="local"}', '0'],
  ['last_success_timestamp_seconds{project="shop",target="new"}', '0'],
  ['last_success_timestamp_seconds{project="shop",target="web"}', 'Nan'],
  ['target_broken{project="shop",target="web"}', '1'],
  ['repository_up{tier="remote"}', '0'],
  ['repository_stored_bytes{tier="remote"}', 'Nan'],
  ['replication_waiting_snapshots', '2'],
  ['replication_oldest_waiting_timestamp_seconds', seconds(now)],
  ['replication_late', '0'],
  ['repository_free_bytes{tier="local"}', '1000000000'],
  ['pending_notifications', '2'],
  ['problems', '1'],
  ['build_info{version="1.2.3"}', '1'],
])('%s is %s', async (series, value) => {
  expect((await seriesOf(view({ stack: stack() }))).get(series)).toBe(value)
})

test('every series of a target is there before anything has run', async () => {
  const series = [...(await seriesOf(view({ stack: stack() }))).keys()].filter((name) => name.includes('target="new"'))
  const perTarget = metricRows.filter(({ labels }) => labels.includes('target'))
  expect(new Set(series.map((name) => name.split('{')[0]))).toEqual(new Set(perTarget.map(({ name }) => name)))
  expect(series.filter((name) => name.startsWith('runs_total'))).toHaveLength(9)
})

test('before the first pass there are those of the controller', async () => {
  const series = await seriesOf(view())
  expect(series.get('last_pass_timestamp_seconds')).toBe('0')
  expect([...series.keys()].filter((name) => name.includes('target='))).toEqual([])
})

test('names end in their unit, and a counter in total', () => {
  const isNamed = ({ name, type }: (typeof metricRows)[number]) => (type === 'counter') === name.endsWith('_total')
  expect(metricRows.filter((row) => !isNamed(row)).map(({ name }) => name)).toEqual([])
  expect(metricRows.filter(({ help }) => !help.endsWith('.')).map(({ name }) => name)).toEqual([])
})
