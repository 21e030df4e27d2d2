import { text } from 'node:stream/consumers'
import { asBackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { warnOfOthers } from '../shared/databases.ts'
import { madeByRestore, noteMade } from '../shared/made.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import { refuseUncovered } from '../shared/uncovered.ts'
import { type Account, createSql, grantRights, listAccounts, parseAccounts, replaceable } from './accounts.ts'
import { accountsArtifact, chosenDatabases, databasesLabel, storedDatabases } from './artifacts.ts'
import { awaitReady, connect, type MariadbClient } from './client.ts'
import { endRestore, recordDatabasesComplete, recordSql, undoIncompleteRestore } from './incomplete-restore.ts'
import { isUsers } from './inventory.ts'
import { lendSql, settingsToLend } from './lent-settings.ts'
import { dropDatabases, loadDump, sessionsSql } from './load.ts'
import { refuseImpossible } from './preflight.ts'
import { compareCounts } from './prove.ts'
import { proveLoad, scratchNote } from './prove-load.ts'
import { removeScratch } from './scratch-server.ts'
import { endSession, takeSessionLock } from './session-lock.ts'

/** Drops the databases and loads them from the dump, between the accounts and their rights. Answers the comparison of the rows. */
export async function restore(
  ctx: RestoreContext,
  spec: TargetSpec<'mariadb'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const wasDown = (await ctx.service.state()) !== 'running'
  const found = await startAndConnect(ctx, spec, { connect, awaitReady })
  const names = chosenDatabases(spec.options, snapshot)
  await refuseImpossible(ctx, found, snapshot, names)
  refuseUncovered(ctx, [found.server.dataDirectory])
  const client = await connectClean(ctx, spec, found)
  if (wasDown) await proveLoad(ctx, client, snapshot, names)
  const present = client.server.databases.filter(isUsers)
  const made = madeByRestore(ctx, names)
  const others = present.filter((name) => !made.includes(name))
  warnOfOthers(ctx, { present: others, stored: storedDatabases(snapshot.facts), chosen: names }, databasesLabel)
  const accounts = await accountsToReplace(client, snapshot)

  const id = newRestoreId()
  const settings = settingsToLend(client.server)
  const begun = { id, created: names.filter((name) => !present.includes(name)), settings }
  noteMade(ctx, begun.created)
  const record = client.server.administrator ? [...recordSql(begun), ...lendSql(settings)] : []
  const note = ctx.recordUndo({ id })
  try {
    const sessions = await client.query([takeSessionLock, ...record, ...sessionsSql([...names, ...made])].join('\n'))
    await dropDatabases(ctx, client, {
      names: [...names, ...made],
      sessions: sessions.map(([session]) => Number(session)),
      before: createSql(accounts),
    })
    const counted = await loadDump(ctx, client, snapshot, { names, restore: begun })
    const checks = await compareCounts(client, names, snapshot, counted)
    await grantRights(ctx, client, accounts)
    await recordDatabasesComplete(client, begun)
    await settle(ctx, note, endRestore(client, begun))
    return checks
  } catch (cause) {
    await settle(ctx, note, undo(ctx, spec, { id }))
    throw cause
  }
}

/** Drops the note when the work is done. Else it stays, and the next pass of the controller undoes what is left. */
const settle = (ctx: MethodContext, note: Disposable, work: Promise<void>): Promise<void> =>
  work.then(
    () => note[Symbol.dispose](),
    (error) => ctx.warn(`something of this restore was left: ${asBackupError(error).message}`),
  )

/** Undoes what earlier restores have left. Answers a client that knows the server as it is after that. */
async function connectClean(
  ctx: MethodContext,
  { options }: TargetSpec<'mariadb'>,
  client: MariadbClient,
): Promise<MariadbClient> {
  const alone = await endRestoring(ctx, options, client)
  return (await undoIncompleteRestore(alone)) ? connect(ctx, options) : alone
}

/** Ends the session of a dead controller's restore, if there is one. */
async function endRestoring(
  ctx: MethodContext,
  options: TargetSpec<'mariadb'>['options'],
  client: MariadbClient,
): Promise<MariadbClient> {
  const { restoring } = client.server
  if (restoring === undefined) return client
  await endSession(client, restoring)
  return connect(ctx, options)
}

/** The accounts of the snapshot that the restore makes anew. A user who is no administrator can make none. */
async function accountsToReplace(client: MariadbClient, snapshot: StoredSnapshot): Promise<Account[]> {
  const { administrator, account } = client.server
  if (!administrator) return []
  const stored = parseAccounts(await text(await snapshot.open(accountsArtifact)))
  return replaceable(stored, await listAccounts(client), account.user)
}

/** Undoes what a dead restore left in the server or beside it. */
export async function undo(
  ctx: MethodContext,
  { options }: TargetSpec<'mariadb'>,
  { id = '', kind }: UndoDetail,
): Promise<void> {
  if (kind === scratchNote) return removeScratch(ctx, id)
  await undoIncompleteRestore(await endRestoring(ctx, options, await connect(ctx, options)), id)
}
