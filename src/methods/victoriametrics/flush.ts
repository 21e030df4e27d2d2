import type { MethodContext } from '../method.ts'
import { pollAtMost } from '../shared/await-server.ts'
import type { VictoriaMetricsClient } from './client.ts'
import { readMetrics } from './metrics.ts'

/** More than twice the time after which the server writes out what it has taken in (-inmemoryDataFlushInterval). */
const flushSeconds = 12

/**
 * Waits until everything that the server had when it was asked is on its disk. Making a snapshot also writes out what
 * is in memory, but not the parts that something else is writing out at that moment (lib/storage/partition.go,
 * flushInmemoryPartsToFiles: `isInMerge`).
 */
export async function awaitFlushed(ctx: MethodContext, client: VictoriaMetricsClient): Promise<void> {
  const look = async () => {
    const counts = [...(await readMetrics(client)).matchAll(/^vm_parts\{.*type="\w+\/inmemory".*\} (\d+)$/gm)]
    return counts.length > 0 && counts.every(([, count]) => count === '0')
  }
  const what = `${ctx.container.name} to write out what it has in memory`
  // New data keeps coming, or nobody may ask: what was there at the beginning has had its time.
  await pollAtMost(look, { what, seconds: flushSeconds, everyMs: 250, clock: ctx.clock, signal: ctx.signal })
}
