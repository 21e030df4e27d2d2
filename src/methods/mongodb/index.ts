import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { CaptureContext, Method } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { awaitMongodb, connectMongodb, type MongodbClient } from './client.ts'
import { type ArchiveContents, noContents, oplogNamespace, scanArchive, withoutServerDatabases } from './contents.ts'
import { asDumpError, describeFailure } from './failure.ts'
import { compareContents, countDocuments, dropOthers, measureStorage, recordContents } from './inventory.ts'
import { preflightRestore, refuseRouter } from './preflight.ts'

const artifact = 'mongodb.archive'

/**
 * MongoDB by mongodump and mongorestore: all databases in one archive, whose documents are counted as it goes by. On a member of a replica
 * set the archive holds one instant, the end of the dump. A restore replaces every collection and drops those that the snapshot does
 * not have; accounts and settings of the server stay as they are.
 */
export const mongodb: Method<'mongodb'> = {
  kind: 'mongodb',
  needsRunning: true,
  paths: () => [],

  async *capture(ctx, { options }) {
    const client = await connectMongodb(ctx, options)
    refuseRouter(client, 'TARGET_BROKEN')
    ctx.fact('server', client.server.version)
    ctx.fact('bytes', await measureStorage(client))
    const found = noContents()
    yield { kind: 'stream', name: artifact, open: () => openDump(client, found) }
    recordContents(found, ctx.fact)
    noteInstant(ctx, client, found)
  },

  async preflight(ctx, { options }, snapshot) {
    if (ctx.container.state === 'running') await preflightRestore(ctx, await connectMongodb(ctx, options), snapshot)
  },

  async restore(ctx, spec, snapshot) {
    const client = await startAndConnect(ctx, spec, { connect: connectMongodb, awaitReady: awaitMongodb })
    await preflightRestore(ctx, client, snapshot)
    const dropped = await dropOthers(client, snapshot.facts)
    if (dropped.length > 0) ctx.warn(`not in the snapshot and dropped: ${dropped.join(', ')}`)
    ctx.warn('accounts and roles were left as they are')
    const archive = Readable.from(withoutServerDatabases(await snapshot.open(artifact)), { objectMode: false })
    const replay = snapshot.facts.oplog === true ? ['--oplogReplay'] : []
    const result = await client.restore(archive, ['--drop', '--stopOnError', ...replay])
    if (result.exitCode !== 0) throw describeFailure(ctx, 'mongorestore', result, 'RESTORE_FAILED')
    refuseFailedDocuments(result.stderr)
    return []
  },

  async prove(ctx, { options, startTimeoutSeconds }, snapshot) {
    const client = await awaitMongodb(ctx, options, startTimeoutSeconds)
    return compareContents(snapshot.facts, await countDocuments(client))
  },
}

async function openDump(client: MongodbClient, found: ArchiveContents): Promise<Readable> {
  const source = await client.dump()
  const scan = scanArchive(found)
  const bytes = async function* () {
    try {
      for await (const chunk of source) {
        scan.write(chunk)
        yield chunk
      }
    } catch (cause) {
      throw asDumpError(cause)
    }
    scan.finish()
  }
  return Readable.from(bytes(), { objectMode: false })
}

function noteInstant(ctx: CaptureContext, { server }: MongodbClient, found: ArchiveContents): void {
  ctx.fact('oplog', found.documents.has(oplogNamespace))
  if (server.replicaSet !== undefined) return
  ctx.warn('the server is no member of a replica set: what was written during the dump may be in it in part')
}

/** mongorestore may end with exit code 0 although documents were not taken. */
function refuseFailedDocuments(said: string): void {
  const failed = said.match(/(\d+) document\(s\) failed to restore/)?.[1]
  if (failed === '0') return
  const what = failed === undefined ? 'mongorestore did not say what it restored' : `${failed} documents were not taken`
  throw new BackupError('RESTORE_FAILED', what)
}
