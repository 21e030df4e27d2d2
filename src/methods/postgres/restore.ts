import { text } from 'node:stream/consumers'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { warnOfOthers } from '../shared/databases.ts'
import { madeByRestore, noteMade } from '../shared/made.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import { refuseUncovered } from '../shared/uncovered.ts'
import { databasesLabel, globalsArtifact, readCluster, type StoredDatabase } from './artifacts.ts'
import { awaitReady, connect } from './client.ts'
import { reopen, warnOfClients } from './close-databases.ts'
import { listDatabases, listRoles } from './cluster.ts'
import { createMissing, restoreBeside } from './fill-database.ts'
import { refuseImpossible } from './preflight.ts'
import { swapIn } from './swap-in.ts'
import { dropDatabase, dropTransient, listNames, swapEntries } from './transient.ts'

/**
 * Fills fresh databases beside the present ones, proves them, and swaps all of them at the end. Until the swap nothing that exists is
 * touched, and after it a client may write at once: what is counted then proves nothing.
 */
export async function restore(
  ctx: RestoreContext,
  spec: TargetSpec<'postgres'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const { chosen, all, cluster } = await readCluster(spec.options, snapshot)
  const client = await startAndConnect(ctx, spec, { connect, awaitReady })
  await refuseImpossible(ctx, client, snapshot, chosen)
  const { tablespaces } = await listRoles(client)
  refuseUncovered(ctx, [client.server.dataDirectory, ...tablespaces.map(({ location }) => location)])
  await dropTransient(ctx, client)
  const present = (await listDatabases(client)).map(({ name }) => name)
  const names = chosen.map(nameOf)
  const made = madeByRestore(ctx, names)
  const others = present.filter((name) => !made.includes(name))
  warnOfOthers(ctx, { present: others, stored: all.map(nameOf), chosen: names }, databasesLabel)
  const open = names.filter((name) => present.includes(name))
  const id = newRestoreId()
  const note = ctx.recordUndo({ id, open: JSON.stringify(open) })
  try {
    await warnOfClients(ctx, client, open)
    await createMissing(client, cluster)
    const entries = swapEntries(chosen, await listNames(client), id)
    const checks: Check[] = []
    for (const entry of entries) checks.push(...(await restoreBeside(ctx, client, snapshot, entry)))
    noteMade(ctx, entries.filter(({ old }) => old === undefined).map(nameOf))
    await swapIn(ctx, client, await text(await snapshot.open(globalsArtifact)), entries)
    for (const name of made) await dropDatabase(client, name)
    return checks
  } finally {
    const isOpen = await reopen(ctx, client, open)
    await dropTransient(ctx, client, id).then(
      // While a database is left or closed the note stays, and the next pass of the controller mends it.
      (left) => isOpen && left.length === 0 && note[Symbol.dispose](),
      (error) => ctx.warn(`databases of this restore were left: ${asBackupError(error).message}`),
    )
  }
}

const nameOf = ({ facts }: StoredDatabase): string => facts.name

/**
 * Opens the databases that a dead restore had closed, and drops those that it left. RESTORE_FAILED where one stays closed or cannot be
 * dropped.
 */
export async function undo(
  ctx: MethodContext,
  { options }: TargetSpec<'postgres'>,
  { id, open = '[]' }: UndoDetail,
): Promise<void> {
  const client = await connect(ctx, options)
  const names: string[] = JSON.parse(open)
  if (!(await reopen(ctx, client, names))) {
    throw new BackupError('RESTORE_FAILED', `${names.join(', ')} could not be opened for connections again`)
  }
  const left = await dropTransient(ctx, client, id)
  if (left.length > 0) throw new BackupError('RESTORE_FAILED', `${left.join(', ')} could not be dropped`)
}
