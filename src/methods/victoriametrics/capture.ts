import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { connect } from './client.ts'
import { awaitFlushed } from './flush.ts'
import { artifactsOf, findStorage, oldestPartition } from './layout.ts'
import { readMetrics, refuseFullDisk, versionOf } from './metrics.ts'
import { countSeries, factsOfSample, isStill, takeSample } from './sample.ts'
import { createSnapshot } from './snapshot.ts'

/**
 * Yields the trees of a snapshot that the server makes now. A sample of old points is taken before it, for the proof
 * after a restore.
 */
export async function* capture(
  ctx: CaptureContext,
  { options }: TargetSpec<'victoriametrics'>,
): AsyncIterable<Artifact> {
  await using client = await connect(ctx, options)
  ctx.fact('server', versionOf(await readMetrics(client)))
  await refuseFullDisk(ctx, client)
  const series = await countSeries(client)
  const sample = series === undefined ? undefined : await takeSample(ctx, client)
  await awaitFlushed(ctx, client)
  await using snapshot = await createSnapshot(ctx, client)
  recordSeries(ctx, series, await countSeries(client))
  if (sample && (await isStill(client, sample))) {
    for (const [name, value] of Object.entries(factsOfSample(sample))) ctx.fact(name, value)
  } else if (sample) {
    ctx.warn('old points were being written: a restore is proven by the files and the number of series, not by points')
  }
  const storage = findStorage(ctx, snapshot.name)
  ctx.fact('storage', storage.path)
  const trees = artifactsOf(storage, snapshot.name)
  const oldest = oldestPartition(trees)
  if (oldest !== undefined) ctx.fact('oldestPartition', oldest)
  yield* trees
}

function recordSeries(ctx: CaptureContext, before: number | undefined, after: number | undefined): void {
  if (before === undefined || after === undefined) {
    ctx.warn('the server answers no queries, as a vmstorage does: a restore is proven by the files alone')
    return
  }
  ctx.fact('seriesLeast', before)
  ctx.fact('seriesMost', after)
}
