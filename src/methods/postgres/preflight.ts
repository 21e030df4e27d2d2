import type { TargetSpec } from '../../labels/spec.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { refuseFullServer } from '../shared/room.ts'
import { refuseInitialising } from '../shared/starting.ts'
import { refuseOlderServer } from '../shared/version.ts'
import { readCluster, type StoredDatabase } from './artifacts.ts'
import { connect, type PostgresClient } from './client.ts'
import { recordedContents } from './contents.ts'

/** Refuses a snapshot that the server cannot take. A server that does not run is asked by the restore, which starts it. */
export async function preflight(
  ctx: MethodContext,
  { options, startTimeoutSeconds }: TargetSpec<'postgres'>,
  snapshot: StoredSnapshot,
): Promise<void> {
  if (ctx.container.state !== 'running') return
  const { chosen } = await readCluster(options, snapshot)
  const client = await connect(ctx, options)
  refuseInitialising(ctx, client, startTimeoutSeconds)
  await refuseImpossible(ctx, client, snapshot, chosen)
}

/** RESTORE_REFUSED or NO_SPACE for everything that is known to make a restore impossible. It MUST be called before anything is touched. */
export async function refuseImpossible(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  databases: StoredDatabase[],
): Promise<void> {
  const { server } = client
  refuseOlderServer('PostgreSQL', { dumped: String(snapshot.facts.serverMajor), server: String(server.major) })
  if (!server.superuser) {
    const way = 'A restore makes databases and roles; name a superuser, often $POSTGRES_USER.'
    refuseRestore('the user of xnai.backup.postgres.user is no superuser', way)
  }
  await refuseMissingExtensions(client, snapshot, databases)
  await refuseFullDisk(ctx, client, databases)
}

async function refuseMissingExtensions(
  client: PostgresClient,
  snapshot: StoredSnapshot,
  databases: StoredDatabase[],
): Promise<void> {
  const query = `SELECT coalesce(json_agg(name), '[]') FROM pg_available_extensions;`
  const available = new Set(await client.json<string[]>('template1', query))
  for (const { facts } of databases) {
    const { extensions = {} } = recordedContents(snapshot.facts, facts.name)
    const missing = Object.keys(extensions).filter((name) => !available.has(name))
    if (missing.length === 0) continue
    const message = `database ${facts.name} needs extensions that the image lacks: ${missing.join(', ')}`
    refuseRestore(message, 'Use an image that carries them.')
  }
}

/**
 * Old and new databases lie side by side until the swap. Everything that is written goes through the log (WAL) too, and a server that has
 * no room for its log ends itself.
 */
async function refuseFullDisk(ctx: MethodContext, client: PostgresClient, databases: StoredDatabase[]): Promise<void> {
  const { dataDirectory: directory } = client.server
  const bytes = databases.reduce((sum, { facts }) => sum + facts.bytes, 0)
  const needed = bytes + (await logGrowth(client, bytes))
  const explain = (free: number) =>
    `the databases need ${needed} bytes beside those of now, their log included; ${directory} has ${free} free`
  await refuseFullServer(ctx, { needed, directory, owner: "PostgreSQL's", explain })
}

/** The bytes by which the files of the log grow while `bytes` are written. They are used again, and `max_wal_size` bounds them. */
async function logGrowth({ server, json }: PostgresClient, bytes: number): Promise<number> {
  if (server.major < 10) return 0
  const most = `least(${bytes}, pg_size_bytes(current_setting('max_wal_size')))`
  return await json<number>(
    'template1',
    `SELECT greatest(0, ${most} - (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()));`,
  )
}
