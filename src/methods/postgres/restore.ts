import { text } from 'node:stream/consumers'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, MethodContext, RestoreContext, StoredSnapshot, UndoDetail } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { warnOfOthers } from '../shared/databases.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import { refuseUncovered } from '../shared/uncovered.ts'
import { databasesLabel, globalsArtifact, readCluster, type StoredDatabase } from './artifacts.ts'
import { awaitReady, connect } from './client.ts'
import { listDatabases, listRoles } from './cluster.ts'
import { createMissing, restoreBeside } from './fill-database.ts'
import { refuseImpossible } from './preflight.ts'
import { swapIn } from './swap-in.ts'
import { dropTransient, swapEntries } from './transient.ts'

/** Fills fresh databases beside the present ones, and swaps all of them at the end. Until the swap nothing that exists is touched. */
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
  warnOfOthers(ctx, { present, stored: all.map(nameOf), chosen: chosen.map(nameOf) }, databasesLabel)
  const id = newRestoreId()
  const note = ctx.recordUndo({ id })
  try {
    await createMissing(client, cluster)
    const entries = swapEntries(chosen, present, id)
    for (const entry of entries) await restoreBeside(ctx, client, snapshot, entry)
    await swapIn(ctx, client, await text(await snapshot.open(globalsArtifact)), entries)
    return []
  } finally {
    await dropTransient(ctx, client, id).then(
      // While a database is left the note stays, and the next pass of the controller drops it.
      (left) => left.length === 0 && note[Symbol.dispose](),
      (error) => ctx.warn(`databases of this restore were left: ${asBackupError(error).message}`),
    )
  }
}

const nameOf = ({ facts }: StoredDatabase): string => facts.name

/** Drops the databases that a dead restore left. RESTORE_FAILED where one cannot be dropped. */
export async function undo(ctx: MethodContext, { options }: TargetSpec<'postgres'>, { id }: UndoDetail): Promise<void> {
  const left = await dropTransient(ctx, await connect(ctx, options), id)
  if (left.length > 0) throw new BackupError('RESTORE_FAILED', `${left.join(', ')} could not be dropped`)
}
