import { BackupError } from '../../errors.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseFull } from '../shared/database-server.ts'
import type { MongodbClient } from './client.ts'
import { spaceHint } from './failure.ts'
import { measureStorage } from './inventory.ts'

/** All that is known to make a restore impossible, found before anything is touched. */
export async function preflightRestore(
  ctx: MethodContext,
  client: MongodbClient,
  { facts }: StoredSnapshot,
): Promise<void> {
  refuseRouter(client, 'RESTORE_REFUSED')
  refuseOlderServer(client, String(facts.server))
  // A server whose disk is full ends itself.
  await refuseFull(ctx, {
    needed: Number(facts.bytes ?? 0),
    replaced: () => measureStorage(client),
    directory: client.server.dataDirectory,
    whose: "MongoDB's",
    hint: spaceHint,
  })
}

export function refuseRouter({ server }: MongodbClient, code: 'TARGET_BROKEN' | 'RESTORE_REFUSED'): void {
  if (!server.router) return
  const hint = 'Label a member of a replica set; a sharded cluster needs tools of its own.'
  throw new BackupError(code, 'the container runs a router of a sharded cluster', { hint })
}

function refuseOlderServer({ server }: MongodbClient, dumped: string): void {
  const series = (version: string) => {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    return major * 1000 + minor
  }
  if (series(server.version) >= series(dumped)) return
  const message = `the dump comes from MongoDB ${dumped}, the server is MongoDB ${server.version}`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: `Nothing was touched. Use an image of MongoDB ${dumped} or newer.`,
  })
}
