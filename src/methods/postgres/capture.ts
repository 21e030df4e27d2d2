import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { chooseDatabases } from '../shared/databases.ts'
import { databaseFact, rowsFact } from '../shared/facts.ts'
import { artifactNames, clusterArtifact, databasesLabel, globalsArtifact, textArtifact } from './artifacts.ts'
import { connect, type PostgresClient } from './client.ts'
import { type DatabaseFacts, listDatabases, listRoles } from './cluster.ts'
import { type Contents, countScript, extensionsFact, readContents } from './contents.ts'
import { type Head, openDump, openGlobals, proveHead } from './dump.ts'
import { holdSnapshot } from './snapshot-session.ts'

/** Yields the dump of each database, then what the dumps do not hold: the list of databases, and the roles. */
export async function* capture(ctx: CaptureContext, { options }: TargetSpec<'postgres'>): AsyncIterable<Artifact> {
  const client = await connect(ctx, options)
  ctx.fact('server', client.server.version)
  ctx.fact('serverMajor', client.server.major)
  const databases = chooseDatabases(await listDatabases(client), options.databases, databasesLabel)
  const artifacts = artifactNames(databases)
  for (const database of databases) {
    yield* captureDatabase(ctx, client, database, artifacts.get(database.name) as string)
  }
  // They are read after the dumps, so that a role that is made meanwhile is not missing.
  const cluster = { databases, ...(await listRoles(client)), artifacts: Object.fromEntries(artifacts) }
  yield textArtifact(clusterArtifact, JSON.stringify(cluster))
  yield { kind: 'stream', name: globalsArtifact, open: () => openGlobals(ctx, client) }
}

/** Captures one instant of one database: the same snapshot of the server is dumped and counted, side by side. */
async function* captureDatabase(
  ctx: CaptureContext,
  client: PostgresClient,
  facts: DatabaseFacts,
  artifact: string,
): AsyncIterable<Artifact> {
  const database = facts.name
  await using session = await holdSnapshot(client, database)
  const head: Head = { chunks: [], bytes: 0 }
  let counting: Promise<string[]> | undefined
  const onLocked = () => {
    counting = session.ask(countScript)
    counting.catch(() => {}) // It is awaited below, once the dump is through.
  }
  const open = () => openDump(client, { database, snapshot: session.snapshot, head, onLocked })
  yield { kind: 'stream', name: artifact, open }
  const contents = readContents((await counting) ?? [])
  await proveHead(ctx, client, head, Object.keys(contents.rows).length)
  recordDatabase(ctx, facts, contents)
}

function recordDatabase(
  ctx: CaptureContext,
  { name, owner, encoding, bytes, row }: DatabaseFacts,
  { rows, sequences, largeObjects, extensions }: Contents,
): void {
  const locale = { encoding, collate: row.datcollate, ctype: row.datctype }
  ctx.fact(databaseFact(name), { owner, ...locale, bytes, sequences, largeObjects })
  ctx.fact(rowsFact(name), rows)
  ctx.fact(extensionsFact(name), extensions)
}
