import type { TargetSpec } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { awaitReady, type VictoriaMetricsClient } from './client.ts'
import { countSeries, readPoints, type Sample } from './sample.ts'

/** Compares the number of series, and the points of the sample, with those of the snapshot. */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'victoriametrics'>,
  { facts }: StoredSnapshot,
): Promise<Check[]> {
  await using client = await awaitReady(ctx, options, startTimeoutSeconds)
  // The cache may lie outside of the storage.
  await client.ask('/internal/resetRollupResultCache').catch(() => ctx.warn('the cache of query results was not reset'))
  return [await compareSeries(client, facts), ...(await compareSample(client, facts))]
}

/** More series than at the backup are no fault: a server that scrapes adds some at once. */
async function compareSeries(client: VictoriaMetricsClient, facts: Facts): Promise<Check> {
  const least = Number(facts.seriesLeast)
  const series = await countSeries(client)
  return compare('series', `at least ${least}`, String(series), series >= least)
}

async function compareSample(client: VictoriaMetricsClient, facts: Facts): Promise<Check[]> {
  const sample = facts.sample as Sample | undefined
  if (!sample) return []
  const selectors = Object.values(facts.sampleSeries ?? {}).map(String)
  const now = await readPoints(client, { start: sample.start, end: sample.end, selectors })
  const say = ({ points, sha256 }: { points: number; sha256: string }) => `${points} points, ${sha256.slice(0, 16)}`
  return [compare(`sample of ${selectors.length} series`, say(sample), say(now), now.sha256 === sample.sha256)]
}
