import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot } from '../method.ts'
import { pollAtMost } from '../shared/await-server.ts'
import type { Api } from './api.ts'
import { awaitReady } from './client.ts'
import { compareCollection, compareNames } from './compare.ts'
import { readInventory, selectWanted } from './inventory.ts'
import { listCollections } from './upload.ts'

/** Compares collections and aliases with the inventory of the snapshot. */
export async function prove(
  ctx: RestoreContext,
  spec: TargetSpec<'qdrant'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const saved = selectWanted(await readInventory(snapshot), spec)
  await using client = await awaitReady(ctx, spec, ctx.service.state)
  const { api, version } = client
  const versions = { saved: saved.server, server: version }
  const checks: Check[] = compareNames(saved, await listCollections(api), await api.aliases())
  for (const collection of saved.collections) {
    await awaitGreen(ctx, api, collection.name, spec.startTimeoutSeconds)
    checks.push(...(await compareCollection(api, collection.name, collection, versions)))
  }
  return checks
}

/** Waits at most `seconds` until the server has optimized the collection. One that takes longer is judged as it is. */
async function awaitGreen({ clock, signal }: MethodContext, api: Api, collection: string, seconds: number) {
  const isSettled = async () => ['green', 'red'].includes((await api.info(collection)).status)
  await pollAtMost(isSettled, { what: `${collection} to be green`, seconds, clock, signal })
}
