import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { MethodOptions, TargetSpec } from '../../labels/spec.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, ForeignInput } from '../method.ts'
import { rowsFact } from '../shared/facts.ts'
import { findForeign } from '../shared/foreign.ts'
import { artifactNames, clusterArtifact, globalsArtifact, textArtifact } from './artifacts.ts'
import { connect } from './client.ts'
import { type DatabaseFacts, listDatabases } from './cluster.ts'
import { openTextDump } from './text-dump.ts'

/** Reads a dump of one database by `pg_dump`, as text or in custom format. Such a dump holds no roles: the present ones stay. */
export async function* importForeign(
  ctx: CaptureContext,
  { options }: TargetSpec<'postgres'>,
  input: ForeignInput,
): AsyncIterable<Artifact> {
  const { path } = findForeign(
    input,
    'a dump of one database (*.sql, *.sql.gz, *.dump)',
    ({ name, isDirectory }) => !isDirectory && /\.(sql|sql\.gz|dump)$/.test(name),
  )
  const isCustom = await startsAsCustom(path)
  const database = await describeDatabase(ctx, options, (await stat(path)).size)
  const artifacts = artifactNames([database], isCustom ? 'dump' : 'sql')
  const name = artifacts.get(database.name) as string
  if (isCustom) yield { kind: 'stream', name, open: async () => createReadStream(path) }
  else {
    const { stream, found } = openTextDump(path)
    yield { kind: 'stream', name, open: async () => stream }
    if (found.rows) ctx.fact(rowsFact(database.name), found.rows)
    if (found.serverMajor !== undefined) ctx.fact('serverMajor', found.serverMajor)
  }
  const cluster = { databases: [database], roles: [], tablespaces: [], artifacts: Object.fromEntries(artifacts) }
  yield textArtifact(clusterArtifact, JSON.stringify(cluster))
  yield textArtifact(globalsArtifact, '-- no roles\n')
}

async function startsAsCustom(path: string): Promise<boolean> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(5), 0, 5, 0)
  return buffer.toString('latin1', 0, bytesRead) === 'PGDMP'
}

/** The database that the dump is restored to: the one that the labels name, else the one that the image made. It need not be there. */
async function describeDatabase(
  ctx: CaptureContext,
  options: MethodOptions['postgres'],
  bytes: number,
): Promise<DatabaseFacts> {
  const { databases = [], user } = options
  const present = await listDatabases(await connect(ctx, options))
  const variables = ctx.container.environment
  const [labelled] = databases.length === 1 ? databases : []
  const name = labelled ?? variables.get('POSTGRES_DB') ?? user ?? variables.get('POSTGRES_USER') ?? 'postgres'
  const now = present.find((database) => database.name === name)
  const fresh = { name, connectionLimit: -1, comment: null, grants: null, settings: [] }
  return { ...(now ?? { ...(present[0] as DatabaseFacts), ...fresh }), bytes }
}
