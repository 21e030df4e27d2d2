import type { TargetSpec } from '../../labels/spec.ts'
import type { RestoreContext } from '../method.ts'
import type { Api } from './api.ts'
import { awaitReady, type QdrantClient } from './client.ts'
import type { Inventory } from './inventory.ts'
import { preflightServer } from './preflight.ts'
import { isOurUpload } from './upload.ts'

/** Starts the server if it does not run, and refuses one that cannot take the snapshot. */
export async function startServer(ctx: RestoreContext, spec: TargetSpec<'qdrant'>, saved: Inventory): Promise<void> {
  if ((await ctx.service.state()) !== 'running') await ctx.service.start()
  await withClient(ctx, spec, (client) => preflightServer(client, saved))
}

/**
 * Ends restores that a dead run asked for: the server goes on with them, shard after shard, and would write into the
 * new one. Only a new start of the server ends them. An uploaded file shows that there may be one. It cannot be of a
 * run that is alive, because only one run of a target goes on at a time.
 */
export async function endOrphans(ctx: RestoreContext, spec: TargetSpec<'qdrant'>, saved: Inventory): Promise<void> {
  const orphans = await withClient(ctx, spec, ({ api }) => findOrphans(api, saved))
  if (orphans.length === 0) return
  await ctx.service.stop()
  await startServer(ctx, spec, saved)
  await withClient(ctx, spec, async ({ api }) => {
    for (const { collection, file } of orphans) await api.deleteSnapshot(collection, file)
  })
}

async function findOrphans(api: Api, saved: Inventory): Promise<{ collection: string; file: string }[]> {
  const now = await api.collections()
  const names = saved.collections.map(({ name }) => name).filter((name) => now.includes(name))
  const found = await Promise.all(
    names.map(async (collection) => {
      const files = (await api.snapshots(collection)).names.filter(isOurUpload)
      return files.map((file) => ({ collection, file }))
    }),
  )
  return found.flat()
}

async function withClient<T>(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  work: (client: QdrantClient) => Promise<T>,
): Promise<T> {
  await using client = await awaitReady(ctx, spec, ctx.service.state)
  return await work(client)
}
