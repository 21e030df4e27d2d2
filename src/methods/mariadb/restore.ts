import { text } from 'node:stream/consumers'
import { asBackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { warnOfOthers } from '../shared/databases.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import { refuseUncovered } from '../shared/uncovered.ts'
import { createAccounts, grantRights, parseAccounts, readAccounts, replaceable } from './accounts.ts'
import { accountsArtifact, chosenDatabases, databasesLabel, dumpArtifact, storedDatabases } from './artifacts.ts'
import { awaitReady, connect } from './client.ts'
import { recordDatabasesComplete, recordIncompleteRestore, undoIncompleteRestore } from './incomplete-restore.ts'
import { takeInventory } from './inventory.ts'
import { lendSettings, settingsToLend } from './lent-settings.ts'
import { dropDatabases, loadDump } from './load.ts'
import { refuseImpossible } from './preflight.ts'
import { countRows } from './prove.ts'

/** Drops the databases and loads them from the dump, between the accounts and their rights. Answers the comparison of the rows. */
export async function restore(
  ctx: RestoreContext,
  spec: TargetSpec<'mariadb'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const client = await startAndConnect(ctx, spec, { connect, awaitReady })
  const names = chosenDatabases(spec.options, snapshot)
  await refuseImpossible(ctx, client, snapshot, names)
  refuseUncovered(ctx, [client.server.dataDirectory])
  await undoIncompleteRestore(client)
  const present = (await takeInventory(client)).map(({ name }) => name)
  warnOfOthers(ctx, { present, stored: storedDatabases(snapshot.facts), chosen: names }, databasesLabel)
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
      // The note stays, and the next pass of the controller undoes what is left.
      (error) => ctx.warn(`something of this restore was left: ${asBackupError(error).message}`),
    )
  }
}

/** Undoes what a dead restore left in the server. */
export async function undo(ctx: MethodContext, { options }: TargetSpec<'mariadb'>, { id }: UndoDetail): Promise<void> {
  await undoIncompleteRestore(await connect(ctx, options), id)
}
