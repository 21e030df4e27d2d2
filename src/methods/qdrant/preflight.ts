import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { connect, type QdrantClient } from './client.ts'
import { type Inventory, readInventory, selectWanted } from './inventory.ts'
import { refuseVersion } from './version.ts'

/**
 * Asks a running server that answers. Any other server is asked by the restore, which starts it and refuses for the
 * same reasons.
 */
export async function preflight(
  ctx: MethodContext,
  spec: TargetSpec<'qdrant'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  const wanted = selectWanted(await readInventory(snapshot), spec)
  if (ctx.container.state !== 'running') return
  try {
    await using client = await connect(ctx, spec, 'RESTORE_FAILED')
    await preflightServer(client, wanted)
  } catch (error) {
    // A server that ends and starts again and again is down at times: the restore can mend it.
    if (asBackupError(error).code !== 'SERVICE_DOWN') throw error
  }
}

/**
 * RESTORE_REFUSED where the server cannot read the snapshot, or has a collection with the name of an alias of the
 * snapshot.
 */
export async function preflightServer({ api, version }: QdrantClient, saved: Inventory): Promise<void> {
  const refusal = refuseVersion(saved.server, version)
  if (refusal) throw new BackupError('RESTORE_REFUSED', refusal.reason, { hint: refusal.hint })
  if (saved.complete) return
  const own = new Set(saved.collections.map(({ name }) => name))
  const others = (await api.collections()).filter((name) => !own.has(name))
  const taken = saved.aliases.find(({ alias_name }) => others.includes(alias_name))
  if (!taken) return
  throw new BackupError('RESTORE_REFUSED', `${taken.alias_name}, an alias in the snapshot, is a collection now`, {
    hint: 'Nothing was touched. Name that collection in qdrant.collections too, or delete it.',
  })
}
