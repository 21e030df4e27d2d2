import type { TargetSpec } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { awaitReady, type VictoriaMetricsClient } from './client.ts'
import { readMetrics } from './metrics.ts'
import { partitionStart, retentionOf } from './retention.ts'
import { countSeries, readPoints, type Sample } from './sample.ts'

/**
 * Compares the number of series, and the points of the sample, with those of the snapshot. A vmstorage answers no queries: its files were
 * proven before it was started.
 */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'victoriametrics'>,
  { facts }: StoredSnapshot,
): Promise<Check[]> {
  await using client = await awaitReady(ctx, options, startTimeoutSeconds)
  const series = facts.seriesLeast === undefined ? undefined : await countSeries(client)
  if (series === undefined) return []
  // The cache may lie outside of the storage.
  await client.ask('/internal/resetRollupResultCache').catch(() => ctx.warn('the cache of query results was not reset'))
  const sample = await readSample(client, facts)
  const retention = retentionOf(await readMetrics(client))
  const keptSince = retention === undefined ? undefined : ctx.clock.now().getTime() / 1000 - retention
  const { checks, dropped } = judge(facts, { series, ...(sample && { sample }), ...(keptSince && { keptSince }) })
  if (dropped) ctx.warn('the server does not show data of the snapshot that is older than its -retentionPeriod')
  return checks
}

/** What a restored server answers. */
export interface Restored {
  series: number
  sample?: { points: number; sha256: string }
  /** Unix seconds: the server drops older data. Absent where it does not tell. */
  keptSince?: number
}

/**
 * More series than at the backup are no fault: a server that scrapes adds some at once. Fewer series or points are none where the
 * snapshot has data that is older than the server keeps, which `dropped` says then.
 */
export function judge(facts: Facts, now: Restored): { checks: Check[]; dropped: boolean } {
  const isDropped = (first: number | undefined) =>
    first !== undefined && now.keptSince !== undefined && first < now.keptSince
  const least = Number(facts.seriesLeast)
  const fewer = now.series < least && isDropped(partitionStart(String(facts.oldestPartition)))
  const series = compare('series', `at least ${least}`, String(now.series), now.series >= least || fewer)
  const saved = facts.sample as Sample | undefined
  if (!saved || !now.sample) return { checks: [series], dropped: fewer }
  const shorter = now.sample.points < saved.points && isDropped(saved.first)
  const name = `sample of ${Object.keys(facts.sampleSeries ?? {}).length} series`
  const same = now.sample.sha256 === saved.sha256
  return {
    checks: [series, compare(name, describe(saved), describe(now.sample), same || shorter)],
    dropped: fewer || shorter,
  }
}

const describe = ({ points, sha256 }: { points: number; sha256: string }): string =>
  `${points} points, ${sha256.slice(0, 16)}`

async function readSample(client: VictoriaMetricsClient, facts: Facts): Promise<Restored['sample']> {
  const sample = facts.sample as Sample | undefined
  if (!sample) return undefined
  const selectors = Object.values(facts.sampleSeries ?? {}).map(String)
  return readPoints(client, { start: sample.start, end: sample.end, selectors })
}
