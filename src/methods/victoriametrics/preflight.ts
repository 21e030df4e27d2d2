import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { connect } from './client.ts'
import { storageOf } from './layout.ts'
import { readMetrics, versionOf } from './metrics.ts'
import { refuseVersion } from './version.ts'

/**
 * RESTORE_REFUSED for a running server that is too old for the snapshot. A server that does not tell its metrics is
 * not refused: it may be the one that the restore is to mend.
 */
export async function preflight(
  ctx: MethodContext,
  { options }: TargetSpec<'victoriametrics'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  storageOf(ctx, snapshot)
  if (ctx.container.state !== 'running') return
  await using client = await connect(ctx, options)
  const server = versionOf(await readMetrics(client))
  const refusal = refuseVersion(String(snapshot.facts.server), server)
  if (refusal) throw new BackupError('RESTORE_REFUSED', refusal.reason, { hint: refusal.hint })
}
