import type { MethodContext } from '../method.ts'
import { pollAtMost } from '../shared/await-server.ts'
import { readMetrics } from './metrics.ts'
import type { Server } from './server.ts'

/** Twice the time after which the server writes out what it has taken in (-inmemoryDataFlushInterval), and some more. */
const flushSeconds = 12

/**
 * Waits until all that the server had when it was asked lies on its disk. A snapshot writes out what is in memory, but leaves out what
 * something else is just writing out (lib/storage/partition.go, flushInmemoryPartsToFiles: `isInMerge`).
 */
export async function awaitFlushed(ctx: MethodContext, server: Server): Promise<void> {
  const look = async () => {
    const counts = [...(await readMetrics(server)).matchAll(/^vm_parts\{.*type="\w+\/inmemory".*\} (\d+)$/gm)]
    return counts.length > 0 && counts.every(([, count]) => count === '0')
  }
  const what = `${ctx.container.name} to write out what it has in memory`
  // New data keeps coming, or nobody may ask: what was there at the beginning has had its time.
  await pollAtMost(look, { what, seconds: flushSeconds, everyMs: 250, clock: ctx.clock, signal: ctx.signal })
}
