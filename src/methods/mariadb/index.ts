import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { asBackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import type { Artifact, Facts } from '../../repository/repository.ts'
import type { CaptureContext, Method, MethodContext, StoredSnapshot } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { chooseDatabases, warnOfOthers } from '../shared/databases.ts'
import { databaseFact, rowsFact, subjectsOf } from '../shared/facts.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import {
  type Account,
  createAccounts,
  grantRights,
  parseAccounts,
  readAccounts,
  replaceable,
  writeAccounts,
} from './accounts.ts'
import { awaitMariadb, connectMariadb, type MariadbClient } from './client.ts'
import { compareAccounts, compareObjects, objectsFact } from './compare.ts'
import { openDump, refuseMissingTables } from './dump.ts'
import { errorNumber } from './failure.ts'
import {
  lendSettings,
  recordDatabasesComplete,
  recordIncompleteRestore,
  settingsToLend,
  undoIncompleteRestore,
} from './incomplete-restore.ts'
import { type DatabaseFacts, takeInventory } from './inventory.ts'
import { countRows, dropDatabases, loadDump } from './load.ts'
import { lockTables, untransactional } from './lock.ts'
import { preflightRestore } from './preflight.ts'
import { scanDump } from './scan.ts'

const dumpArtifact = 'databases.sql'
const accountsArtifact = 'accounts.sql'
const databasesLabel = 'xnai.backup.mariadb.databases'

/**
 * MariaDB and MySQL by their own dump program: all databases in one dump and so in one instant, with the rows counted in the dump's own
 * bytes, and the accounts beside it.
 *
 * A restore removes the databases and loads them anew under their names. Neither product can do that all or nothing: a database cannot be
 * renamed, a renamed table leaves its triggers, and views, routines and foreign keys name databases. What is half done is replaced by the
 * next restore, be it the safety snapshot by which the job rolls back; what was not there before is dropped.
 */
export const mariadb: Method<'mariadb'> = {
  kind: 'mariadb',
  needsRunning: true,
  paths: () => [],

  async *capture(ctx, { options }) {
    const client = await connectMariadb(ctx, options)
    const { version, product, nameCase } = client.server
    ctx.fact('server', version)
    ctx.fact('product', product)
    ctx.fact('nameCase', nameCase)
    const databases = chooseDatabases(await takeInventory(client), options.databases, databasesLabel)
    if (databases.length > 0) yield* captureDatabases(ctx, client, databases)
    // After the dump, so that an account made meanwhile is not missing.
    const accounts = await readAccountsIfAllowed(ctx, client)
    ctx.fact('accounts', accounts.length)
    const sql = writeAccounts(accounts)
    yield { kind: 'stream', name: accountsArtifact, open: async () => Readable.from([Buffer.from(sql)]) }
  },

  async preflight(ctx, { options }, snapshot) {
    if (ctx.container.state !== 'running') return
    await preflightRestore(ctx, await connectMariadb(ctx, options), snapshot, databasesOf(options, snapshot))
  },

  async restore(ctx, spec, snapshot) {
    const client = await startAndConnect(ctx, spec, { connect: connectMariadb, awaitReady: awaitMariadb })
    const names = databasesOf(spec.options, snapshot)
    await preflightRestore(ctx, client, snapshot, names)
    await undoIncompleteRestore(client)
    const present = (await takeInventory(client)).map(({ name }) => name)
    warnOfOthers(ctx, { present, stored: recordedDatabases(snapshot.facts), chosen: names }, databasesLabel)
    const accounts = parseAccounts(await text(await snapshot.open(accountsArtifact)))
    const replaced = replaceable(accounts, await readAccounts(ctx, client), spec.options.user)

    const id = newRestoreId()
    const settings = await settingsToLend(client)
    const note = ctx.recordUndo({ id })
    try {
      await recordIncompleteRestore(client, { id, created: names.filter((name) => !present.includes(name)), settings })
      await lendSettings(client, settings)
      await createAccounts(ctx, client, replaced)
      await dropDatabases(ctx, client, names)
      if (names.length > 0) await loadDump(ctx, client, await snapshot.open(dumpArtifact), names)
      const checks = await countRows(client, names, snapshot)
      await grantRights(ctx, client, replaced)
      await recordDatabasesComplete(client, id)
      return checks
    } finally {
      await undoIncompleteRestore(client, id).then(
        () => note[Symbol.dispose](),
        // The note stays: what is left is undone by the next pass.
        (error) => ctx.warn(`something of this restore was left: ${asBackupError(error).message}`),
      )
    }
  },

  async undo(ctx, { options }, { id }) {
    await undoIncompleteRestore(await connectMariadb(ctx, options), id)
  },

  async prove(ctx, { options, startTimeoutSeconds }, snapshot) {
    const client = await awaitMariadb(ctx, options, startTimeoutSeconds)
    const present = await takeInventory(client)
    const names = databasesOf(options, snapshot)
    return [
      ...names.flatMap((name) =>
        compareObjects(
          snapshot.facts,
          name,
          present.find((each) => each.name === name),
        ),
      ),
      compareAccounts(
        parseAccounts(await text(await snapshot.open(accountsArtifact))),
        await readAccounts(ctx, client),
      ),
    ]
  },
}

/** One instant of all of them; what cannot be counted in it is recorded where it was the same before and after. */
async function* captureDatabases(
  ctx: CaptureContext,
  client: MariadbClient,
  databases: DatabaseFacts[],
): AsyncIterable<Artifact> {
  const names = databases.map(({ name }) => name)
  const scan = scanDump()
  let after: DatabaseFacts[]
  {
    await using lock = await lockTables(client, databases)
    yield { kind: 'stream', name: dumpArtifact, open: () => openDump(client, names, scan) }
    await lock.proveHeld()
    after = await takeInventory(client)
  }
  refuseMissingTables(databases, after, scan)
  warnOfLocks(ctx, databases)
  for (const [name, rows] of scan.rows) ctx.fact(rowsFact(name), Object.fromEntries(rows))
  for (const { name, charset, collation, bytes, objects } of databases) {
    ctx.fact(databaseFact(name), { charset, collation, bytes })
    const then = after.find((each) => each.name === name)?.objects
    const steady = Object.entries(objects).filter(([kind, count]) => then?.[kind as keyof typeof objects] === count)
    ctx.fact(objectsFact(name), Object.fromEntries(steady))
  }
  ctx.fact('engines', enginesOf(databases))
}

function enginesOf(databases: DatabaseFacts[]): Record<string, number> {
  const engines: Record<string, number> = {}
  for (const { engine } of databases.flatMap(({ tables }) => tables)) engines[engine] = (engines[engine] ?? 0) + 1
  return engines
}

function warnOfLocks(ctx: MethodContext, databases: DatabaseFacts[]): void {
  const names = untransactional(databases).map(({ database, table, engine }) => `${database}.${table} (${engine})`)
  if (names.length === 0) return
  const listed = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names
  ctx.warn(`writing waited during the dump for tables without transactions: ${listed.join(', ')}`)
}

/** No such right, on one of three ways to say it. */
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

/** What the snapshot holds, less what the labels no longer name. */
function databasesOf({ databases }: MethodOptions['mariadb'], { facts }: StoredSnapshot): string[] {
  const all = recordedDatabases(facts)
  return databases ? all.filter((name) => databases.includes(name)) : all
}

const recordedDatabases = (facts: Facts): string[] => subjectsOf(facts, databaseFact(''))
