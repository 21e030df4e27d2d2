import { Readable } from 'node:stream'
import { asBackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, MethodContext } from '../method.ts'
import { chooseDatabases } from '../shared/databases.ts'
import { databaseFact, rowsFact } from '../shared/facts.ts'
import { type Account, readAccounts, writeAccounts } from './accounts.ts'
import { accountsArtifact, databasesLabel, dumpArtifact } from './artifacts.ts'
import { connect, type MariadbClient } from './client.ts'
import { openDump, refuseMissingTables } from './dump.ts'
import { errorNumber } from './failure.ts'
import { historyOptions } from './history.ts'
import { type DatabaseFacts, isForeignFolder, objectsFact, takeInventory } from './inventory.ts'
import { scanDump } from './scan-dump.ts'
import { lockTables, untransactional } from './table-lock.ts'

/** Yields one dump of all databases, then the accounts. */
export async function* capture(ctx: CaptureContext, { options }: TargetSpec<'mariadb'>): AsyncIterable<Artifact> {
  const client = await connect(ctx, options)
  const { version, product, nameCase } = client.server
  ctx.fact('server', version)
  ctx.fact('product', product)
  ctx.fact('nameCase', nameCase)
  warnOfFolders(ctx, client)
  const databases = chooseDatabases(await takeInventory(client), options.databases, databasesLabel)
  if (databases.length > 0) yield* captureDatabases(ctx, client, databases)
  if (!client.server.administrator) warnOfLimits(ctx, client)
  // They are read after the dump, so that an account that is made meanwhile is not missing.
  const accounts = await readAccountsIfAllowed(ctx, client)
  ctx.fact('accounts', accounts.length)
  const sql = writeAccounts(accounts)
  yield { kind: 'stream', name: accountsArtifact, open: async () => Readable.from([Buffer.from(sql)]) }
}

/** Captures one instant of all databases. */
async function* captureDatabases(
  ctx: CaptureContext,
  client: MariadbClient,
  databases: DatabaseFacts[],
): AsyncIterable<Artifact> {
  const names = databases.map(({ name }) => name)
  const history = await historyOptions(ctx, client, databases)
  const scan = scanDump()
  let after: DatabaseFacts[]
  {
    await using lock = await lockTables(ctx, client, databases)
    yield { kind: 'stream', name: dumpArtifact, open: () => openDump(ctx, client, { names, scan, history }) }
    await lock.proveHeld()
    after = await takeInventory(client)
  }
  refuseMissingTables(databases, after, scan)
  warnOfLocks(ctx, databases)
  for (const [name, rows] of scan.rows) ctx.fact(rowsFact(name), Object.fromEntries(rows))
  recordDatabases(ctx, databases, after)
}

/** Records what is not counted in the instant of the dump only where it was the same before and after. */
function recordDatabases(ctx: CaptureContext, databases: DatabaseFacts[], after: DatabaseFacts[]): void {
  for (const { name, charset, collation, bytes, objects } of databases) {
    ctx.fact(databaseFact(name), { charset, collation, bytes })
    const then = after.find((each) => each.name === name)?.objects
    const steady = Object.entries(objects).filter(([kind, count]) => then?.[kind as keyof typeof objects] === count)
    ctx.fact(objectsFact(name), Object.fromEntries(steady))
  }
  ctx.fact('engines', countEngines(databases))
}

function countEngines(databases: DatabaseFacts[]): Record<string, number> {
  const engines: Record<string, number> = {}
  for (const { engine } of databases.flatMap(({ tables }) => tables)) engines[engine] = (engines[engine] ?? 0) + 1
  return engines
}

function warnOfFolders(ctx: MethodContext, { server }: MariadbClient): void {
  const folders = server.databases.filter(isForeignFolder)
  if (folders.length > 0)
    ctx.warn(`folders in the data directory that are no databases are not in the backup: ${folders.join(', ')}`)
}

/** What a restore by this user would leave out is told when something can still be done about it. */
function warnOfLimits(ctx: MethodContext, { server }: MariadbClient): void {
  ctx.warn(
    `${server.account.user} is no administrator: it sees its own databases only, and a restore by it puts back no users and grants`,
  )
}

function warnOfLocks(ctx: MethodContext, databases: DatabaseFacts[]): void {
  const names = untransactional(databases).map(({ database, table, engine }) => `${database}.${table} (${engine})`)
  if (names.length === 0) return
  const listed = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names
  ctx.warn(`writing waited during the dump for tables without transactions: ${listed.join(', ')}`)
}

/** The numbers of the errors by which a server says that this user lacks a right. */
const notAllowed = [1044, 1142, 1143, 1227]

async function readAccountsIfAllowed(ctx: MethodContext, client: MariadbClient): Promise<Account[]> {
  try {
    return await readAccounts(ctx, client)
  } catch (error) {
    if (!notAllowed.includes(errorNumber(asBackupError(error).message))) throw error
    ctx.warn('the user of the backup may not read the accounts: users and grants are not in it')
    return []
  }
}
