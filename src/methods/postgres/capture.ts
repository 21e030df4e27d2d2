import type { TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { chooseDatabases } from '../shared/databases.ts'
import { databaseFact, rowsFact } from '../shared/facts.ts'
import { artifactNames, clusterArtifact, databasesLabel, globalsArtifact, textArtifact } from './artifacts.ts'
import { connect, type PostgresClient } from './client.ts'
import { type DatabaseFacts, listDatabases, listRoles } from './cluster.ts'
import { type Contents, extensionsFact, listExtensions } from './contents.ts'
import { openDump, openGlobals } from './dump.ts'
import { scanDump } from './scan-dump.ts'
import { warnOfRest } from './warn-of-rest.ts'

/** Yields the dump of each database, then what the dumps do not hold: the list of databases, and the roles. */
export async function* capture(ctx: CaptureContext, { options }: TargetSpec<'postgres'>): AsyncIterable<Artifact> {
  const client = await connect(ctx, options)
  ctx.fact('server', client.server.version)
  ctx.fact('serverMajor', client.server.major)
  await warnOfRest(ctx, client, options.databases)
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

/** Captures one instant of one database, and counts what its dump holds. */
async function* captureDatabase(
  ctx: CaptureContext,
  client: PostgresClient,
  facts: DatabaseFacts,
  artifact: string,
): AsyncIterable<Artifact> {
  const database = facts.name
  const versions = await listExtensions(client, database)
  const scan = scanDump()
  yield { kind: 'stream', name: artifact, open: () => openDump(ctx, client, { database, scan }) }
  const contents = scan.contents()
  if (contents) recordDatabase(ctx, facts, { ...contents, extensions: versionsOf(contents.extensions, versions) })
  else ctx.warn(`the format of the dump of ${database} is newer than this version knows: its rows were not counted`)
}

/** A dump does not create the language that every database has, and it names no versions. */
function versionsOf(created: string[], versions: Record<string, string>): Record<string, string> {
  const names = ['plpgsql', ...created].filter((name) => name !== 'plpgsql' || name in versions)
  return Object.fromEntries(names.map((name) => [name, versions[name] ?? 'unknown']))
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
