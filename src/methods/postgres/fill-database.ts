import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { isText, type StoredDatabase } from './artifacts.ts'
import { type PostgresClient, psqlArguments } from './client.ts'
import { type Cluster, listRoles } from './cluster.ts'
import { compareContents, countContents, recordedContents } from './contents.ts'
import { describeToolFailure } from './failure.ts'
import { connectTo, quoteName, quoteText } from './sql-text.ts'
import { createDatabaseSql, type SwapEntry } from './swap-sql.ts'

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
 * Fills a fresh database from its artifact, and compares it with what was counted at the backup. PROOF_FAILED where it differs. Nothing
 * that exists is touched.
 */
export async function restoreBeside(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  { facts, artifact, fresh }: StoredDatabase & SwapEntry,
): Promise<void> {
  await client.script('template1', createDatabaseSql(facts, fresh, client.server.major), { timeoutSeconds: 600 })
  const tool = isText(artifact) ? 'psql' : 'pg_restore'
  const args = isText(artifact) ? psqlArguments(fresh) : ['--exit-on-error', '--no-password', '-d', connectTo(fresh)]
  const input = await snapshot.open(artifact)
  const result = await client.run(tool, args, { input, timeoutSeconds: longSeconds })
  if (result.exitCode !== 0) throw describeToolFailure(ctx, tool, result, 'RESTORE_FAILED')
  await refuseDifferent(client, snapshot, facts.name, fresh)
  // No dump holds the statistics of the planner. Without them the first queries may take minutes.
  await client.script(fresh, 'ANALYZE;', { timeoutSeconds: longSeconds })
}

async function refuseDifferent(
  client: PostgresClient,
  snapshot: StoredSnapshot,
  name: string,
  fresh: string,
): Promise<void> {
  const checks = compareContents(name, recordedContents(snapshot.facts, name), await countContents(client, fresh))
  const wrong = checks.find(({ ok }) => !ok)
  if (!wrong) return
  const said = `${wrong.name}: expected ${wrong.expected}, found ${wrong.actual}`
  throw new BackupError('PROOF_FAILED', `${said}; the database of now was not touched`)
}
