import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { Artifact } from '../../repository/repository.ts'
import type { CaptureContext, Check, Method, StoredSnapshot } from '../method.ts'
import { startAndConnect } from '../shared/await-server.ts'
import { chooseDatabases, warnOfOthers } from '../shared/databases.ts'
import { databaseFact, rowsFact } from '../shared/facts.ts'
import { newRestoreId } from '../shared/restore-id.ts'
import { artifactNames, clusterArtifact, globalsArtifact } from './artifacts.ts'
import { awaitPostgres, connectPostgres, type PostgresClient } from './client.ts'
import { type Cluster, type DatabaseFacts, listDatabases, listRoles } from './cluster.ts'
import { compareContents, countScript, extensionsFact, readContents, recordedContents } from './count.ts'
import { type Head, openDump, openGlobals, proveHead } from './dump.ts'
import { importDump } from './import.ts'
import { preflightRestore } from './preflight.ts'
import { createMissing, dropTransient, type Part, restoreBeside, swapEntries, swapIn } from './restore.ts'
import { holdSnapshot } from './session.ts'

const databasesLabel = 'xnai.backup.postgres.databases'
const nameOf = ({ facts }: Part): string => facts.name

/**
 * PostgreSQL by pg_dump, a database at a time, with row counts of the very instant that is dumped. A restore fills fresh databases beside
 * those of now and swaps all of them in one transaction.
 */
export const postgres: Method<'postgres'> = {
  kind: 'postgres',
  needsRunning: true,
  paths: () => [],

  async *capture(ctx, { options }) {
    const client = await connectPostgres(ctx, options)
    ctx.fact('server', client.server.version)
    ctx.fact('serverMajor', client.server.major)
    const databases = chooseDatabases(await listDatabases(client), options.databases, databasesLabel)
    const artifacts = artifactNames(databases)
    for (const database of databases)
      yield* captureDatabase(ctx, client, database, artifacts.get(database.name) as string)
    // After the dumps, so that a role made meanwhile is not missing.
    const cluster = { databases, ...(await listRoles(client)), artifacts: Object.fromEntries(artifacts) }
    yield {
      kind: 'stream',
      name: clusterArtifact,
      open: async () => Readable.from([Buffer.from(JSON.stringify(cluster))]),
    }
    yield { kind: 'stream', name: globalsArtifact, open: () => openGlobals(ctx, client) }
  },

  import: (ctx, { options }, input) => importDump(ctx, options, input),

  async preflight(ctx, { options }, snapshot) {
    if (ctx.container.state !== 'running') return
    const { parts } = await readParts(options, snapshot)
    await preflightRestore(ctx, await connectPostgres(ctx, options), snapshot, parts)
  },

  async restore(ctx, spec, snapshot) {
    const { parts, all, cluster } = await readParts(spec.options, snapshot)
    const client = await startAndConnect(ctx, spec, { connect: connectPostgres, awaitReady: awaitPostgres })
    await preflightRestore(ctx, client, snapshot, parts)
    await dropTransient(ctx, client)
    const present = (await listDatabases(client)).map(({ name }) => name)
    warnOfOthers(ctx, { present, stored: all.map(nameOf), chosen: parts.map(nameOf) }, databasesLabel)
    const id = newRestoreId()
    const note = ctx.recordUndo({ id })
    try {
      await createMissing(client, cluster)
      const entries = swapEntries(parts, present, id)
      for (const entry of entries) await restoreBeside(ctx, client, snapshot, entry)
      await swapIn(ctx, client, await text(await snapshot.open(globalsArtifact)), entries)
      return []
    } finally {
      await dropTransient(ctx, client, id).then(
        // While something is left the note stays: the next pass drops it.
        (left) => left.length === 0 && note[Symbol.dispose](),
        (error) => ctx.warn(`databases of this restore were left: ${asBackupError(error).message}`),
      )
    }
  },

  async undo(ctx, { options }, { id }) {
    const left = await dropTransient(ctx, await connectPostgres(ctx, options), id)
    if (left.length > 0) throw new BackupError('RESTORE_FAILED', `${left.join(', ')} could not be dropped`)
  },

  async prove(ctx, { options, startTimeoutSeconds }, snapshot) {
    const { parts } = await readParts(options, snapshot)
    const client = await awaitPostgres(ctx, options, startTimeoutSeconds)
    const present = await listDatabases(client)
    const checks: Check[] = []
    for (const { facts } of parts) checks.push(...(await proveDatabase(client, snapshot, facts, present)))
    return checks
  },
}

/** One instant of one database: the same snapshot is dumped and counted, side by side. */
async function* captureDatabase(
  ctx: CaptureContext,
  client: PostgresClient,
  facts: DatabaseFacts,
  artifact: string,
): AsyncIterable<Artifact> {
  const { name: database, owner, encoding, bytes, row } = facts
  await using session = await holdSnapshot(client, database)
  const head: Head = { chunks: [], bytes: 0 }
  let counting: Promise<string[]> | undefined
  const onLocked = () => {
    counting = session.ask(countScript)
    counting.catch(() => {}) // Awaited below, once the dump is through.
  }
  const open = () => openDump(client, { database, snapshot: session.snapshot, head, onLocked })
  yield { kind: 'stream', name: artifact, open }
  const contents = readContents((await counting) ?? [])
  await proveHead(ctx, client, head, Object.keys(contents.rows).length)
  const { sequences, largeObjects } = contents
  const locale = { encoding, collate: row.datcollate, ctype: row.datctype }
  ctx.fact(databaseFact(database), { owner, ...locale, bytes, sequences, largeObjects })
  ctx.fact(rowsFact(database), contents.rows)
  ctx.fact(extensionsFact(database), contents.extensions)
}

/** `parts`: what the snapshot holds, less what the labels no longer name. */
async function readParts({ databases }: MethodOptions['postgres'], snapshot: StoredSnapshot) {
  const cluster: Cluster & { artifacts: Record<string, string> } = JSON.parse(
    await text(await snapshot.open(clusterArtifact)),
  )
  const all = cluster.databases.map((facts): Part => ({ facts, artifact: cluster.artifacts[facts.name] ?? '' }))
  const parts = databases ? all.filter(({ facts }) => databases.includes(facts.name)) : all
  return { cluster, all, parts }
}

async function proveDatabase(
  client: PostgresClient,
  snapshot: StoredSnapshot,
  { name, owner }: DatabaseFacts,
  present: DatabaseFacts[],
): Promise<Check[]> {
  const now = present.find((database) => database.name === name)
  const check = {
    name: `${name}: owner`,
    expected: owner,
    actual: now?.owner ?? 'no such database',
    ok: now?.owner === owner,
  }
  if (!now) return [check]
  const counted = await client.script(name, countScript, { timeoutSeconds: longSeconds })
  return [check, ...compareContents(name, recordedContents(snapshot.facts, name), readContents(counted.split('\n')))]
}
