import type { Readable } from 'node:stream'
import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { watchDump } from '../shared/watch-dump.ts'
import { connect, type MongodbClient } from './client.ts'
import { type ArchiveContents, noContents, oplogNamespace, scanArchive } from './contents.ts'
import { asDumpError } from './failure.ts'
import { measureStorage, recordContents } from './inventory.ts'
import { refuseRouter } from './preflight.ts'

/** The name of the only artifact. */
export const archiveArtifact = 'mongodb.archive'

/** Yields one archive of all databases. */
export async function* capture(ctx: CaptureContext, { options }: TargetSpec<'mongodb'>): AsyncIterable<Artifact> {
  const client = await connect(ctx, options)
  refuseRouter(client, 'TARGET_BROKEN')
  ctx.fact('server', client.server.version)
  ctx.fact('bytes', await measureStorage(client))
  const found = noContents()
  yield { kind: 'stream', name: archiveArtifact, open: () => openDump(ctx, client, found) }
  recordContents(found, ctx.fact)
  recordInstant(ctx, client, found)
}

async function openDump(ctx: CaptureContext, client: MongodbClient, found: ArchiveContents): Promise<Readable> {
  const source = await client.dump()
  const { write, finish } = scanArchive(found)
  return watchDump(source, { inspect: write, finish, asError: (cause) => asDumpError(ctx, cause, 'mongodump') })
}

function recordInstant(ctx: CaptureContext, { server }: MongodbClient, found: ArchiveContents): void {
  ctx.fact('oplog', found.documents.has(oplogNamespace))
  if (server.replicaSet !== undefined) return
  ctx.warn('the server is no member of a replica set: what was written during the dump may be in it in part')
}
