import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { connect, type RedisClient } from './client.ts'
import { type Layout, readLayout } from './layout.ts'
import { refuseUnreadable } from './rdb-check.ts'
import { type Info, infoNumber } from './reply.ts'

/** Asks a running server. One that does not run is asked by the restore, which starts it and refuses for the same reasons. */
export async function preflight(
  ctx: MethodContext,
  { options, startTimeoutSeconds }: TargetSpec<'redis'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  if (ctx.container.state !== 'running') return
  await preflightServer(ctx, await connect(ctx, options, startTimeoutSeconds), snapshot)
}

/**
 * RESTORE_REFUSED for a replica, for a sentinel, and for a server that cannot read the RDB of the snapshot. Returns where the server
 * keeps its data now.
 */
export async function preflightServer(
  ctx: MethodContext,
  client: RedisClient,
  { facts }: StoredSnapshot,
): Promise<Layout> {
  refuseRole(client.info, 'RESTORE_REFUSED')
  if (hasReplicas(client.info)) ctx.warn(replicaWarning)
  if (facts.rdb) await refuseUnreadable(ctx, String(facts.rdb), String(facts.server))
  return readLayout(client)
}

const hasReplicas = (info: Info): boolean => (infoNumber(info, 'connected_slaves') ?? 0) > 0

/** A master cannot tell whether sentinels watch it. */
const replicaWarning =
  'this master has replicas, which will copy what is restored; sentinels that watch it may choose another master while it is stopped: stop them first'

/**
 * Throws an error with `code` for a sentinel, which holds no data. A restore also refuses a replica, whose master would overwrite
 * it.
 */
export function refuseRole(info: Info, code: 'DUMP_FAILED' | 'RESTORE_REFUSED'): void {
  if (info.get('redis_mode') === 'sentinel') {
    throw new BackupError(code, 'a sentinel holds no data', { hint: 'Label the Redis servers instead.' })
  }
  if (code === 'RESTORE_REFUSED' && info.get('role') === 'slave') {
    throw new BackupError(code, 'this instance is a replica and would be overwritten by its master', {
      hint: 'Restore the master; nothing was touched.',
    })
  }
}
