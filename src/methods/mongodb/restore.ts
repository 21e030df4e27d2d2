import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { refuseUncovered } from '../shared/uncovered.ts'
import { archiveArtifact } from './capture.ts'
import { awaitReady, connect } from './client.ts'
import { withoutServerDatabases } from './contents.ts'
import { describeToolFailure } from './failure.ts'
import { dropOthers } from './inventory.ts'
import { refuseImpossible } from './preflight.ts'

/** Replaces every collection by that of the archive, and drops the collections that the snapshot does not hold. */
export async function restore(
  ctx: RestoreContext,
  spec: TargetSpec<'mongodb'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const client = await startAndConnect(ctx, spec, { connect, awaitReady })
  await refuseImpossible(ctx, client, snapshot)
  refuseUncovered(ctx, [client.server.dataDirectory])
  const dropped = await dropOthers(client, snapshot.facts)
  if (dropped.length > 0) ctx.warn(`not in the snapshot and dropped: ${dropped.join(', ')}`)
  ctx.warn('accounts and roles were left as they are')
  const archive = Readable.from(withoutServerDatabases(await snapshot.open(archiveArtifact)), { objectMode: false })
  const replay = snapshot.facts.oplog === true ? ['--oplogReplay'] : []
  const result = await client.restore(archive, ['--drop', '--stopOnError', ...replay])
  if (result.exitCode !== 0) throw describeToolFailure(ctx, 'mongorestore', result, 'RESTORE_FAILED')
  refuseFailedDocuments(result.stderr)
  return []
}

/** RESTORE_FAILED where documents were not taken: mongorestore may end with exit code 0 all the same. */
function refuseFailedDocuments(said: string): void {
  const failed = said.match(/(\d+) document\(s\) failed to restore/)?.[1]
  if (failed === '0') return
  const what = failed === undefined ? 'mongorestore did not say what it restored' : `${failed} documents were not taken`
  throw new BackupError('RESTORE_FAILED', what)
}
