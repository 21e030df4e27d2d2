import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseFullServer } from '../shared/room.ts'
import { refuseOlderServer } from '../shared/version.ts'
import { connect, type MongodbClient } from './client.ts'
import { spaceHint } from './failure.ts'
import { measureStorage } from './inventory.ts'

/** Refuses a snapshot that the server cannot take. A server that does not run is asked by the restore, which starts it. */
export async function preflight(
  ctx: MethodContext,
  { options }: TargetSpec<'mongodb'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  if (ctx.container.state === 'running') await refuseImpossible(ctx, await connect(ctx, options), snapshot)
}

/** RESTORE_REFUSED or NO_SPACE for everything that is known to make a restore impossible. It MUST be called before anything is touched. */
export async function refuseImpossible(
  ctx: MethodContext,
  client: MongodbClient,
  { facts }: StoredSnapshot,
): Promise<void> {
  refuseRouter(client, 'RESTORE_REFUSED')
  refuseOlderServer('MongoDB', { dumped: String(facts.server), server: client.server.version })
  // A server whose disk is full ends itself.
  await refuseFullServer(ctx, {
    needed: Number(facts.bytes ?? 0),
    replaced: () => measureStorage(client),
    directory: client.server.dataDirectory,
    owner: "MongoDB's",
    hint: spaceHint,
  })
}

/** Throws an error with `code` where the container runs a router, which holds no data itself. */
export function refuseRouter({ server }: MongodbClient, code: 'TARGET_BROKEN' | 'RESTORE_REFUSED'): void {
  if (!server.router) return
  const hint = 'Label a member of a replica set; a sharded cluster needs tools of its own.'
  throw new BackupError(code, 'the container runs a router of a sharded cluster', { hint })
}
