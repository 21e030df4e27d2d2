import { BackupError } from '../../errors.ts'
import type { Check, MethodContext, StoredSnapshot } from '../method.ts'
import type { PostgresClient } from './client.ts'
import { type Cluster, listRoles } from './cluster.ts'
import { compareContents, countContents, recordedContents } from './contents.ts'
import { type FreshDatabase, loaderOf } from './load-dump.ts'
import { loadWithOwnPath } from './own-path.ts'
import { quoteName, quoteText } from './sql-text.ts'
import { listSubscriptions } from './transient.ts'

/**
 * Creates the roles and tablespaces that the server lacks, as owners of the databases that come. They have no rights, and do no harm if
 * the restore fails.
 */
export async function createMissing(
  client: PostgresClient,
  wanted: Pick<Cluster, 'roles' | 'tablespaces'>,
): Promise<void> {
  const present = await listRoles(client)
  const roles = wanted.roles.filter((role) => !present.roles.includes(role))
  const places = wanted.tablespaces.filter(({ name }) => present.tablespaces.every((each) => each.name !== name))
  const statements = [
    ...roles.map((role) => `CREATE ROLE ${quoteName(role)};`),
    ...places.map(
      ({ name, owner, location }) =>
        `CREATE TABLESPACE ${quoteName(name)} OWNER ${quoteName(owner)} LOCATION ${quoteText(location)};`,
    ),
  ]
  if (statements.length > 0) await client.script('template1', statements.join('\n'))
}

/**
 * Fills a fresh database from its artifact, and compares it with what was counted at the backup. Answers the comparison, and throws
 * PROOF_FAILED where it differs. Nothing that exists is touched.
 */
export async function restoreBeside(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  entry: FreshDatabase,
): Promise<Check[]> {
  const load = loaderOf(ctx, client, snapshot, entry)
  await load.create()
  const failed = await load.run()
  if (failed) await loadWithOwnPath(ctx, client, load, failed)
  else await load.finish()
  await warnOfSubscriptions(ctx, client, entry)
  return proveBeside(client, snapshot, entry.facts.name, entry.fresh)
}

/** A dump restores a subscription without its connection, so that a restored database does not take what belongs to another. */
async function warnOfSubscriptions(ctx: MethodContext, client: PostgresClient, { facts, fresh }: FreshDatabase) {
  const names = await listSubscriptions(client, fresh)
  if (names.length === 0) return
  ctx.warn(`subscriptions of ${facts.name} are disabled until ALTER SUBSCRIPTION … ENABLE: ${names.join(', ')}`)
}

async function proveBeside(
  client: PostgresClient,
  snapshot: StoredSnapshot,
  name: string,
  fresh: string,
): Promise<Check[]> {
  const checks = compareContents(name, recordedContents(snapshot.facts, name), await countContents(client, fresh))
  const wrong = checks.find(({ ok }) => !ok)
  if (!wrong) return checks
  const said = `${wrong.name}: expected ${wrong.expected}, found ${wrong.actual}`
  throw new BackupError('PROOF_FAILED', `${said}; the database of now was not touched`)
}
