import type { MethodContext, StoredSnapshot } from '../method.ts'
import { refuseRestore } from '../shared/refuse.ts'
import { refuseFullServer } from '../shared/room.ts'
import { refuseOlderServer } from '../shared/version.ts'
import type { PostgresClient } from './client.ts'
import { recordedContents } from './count.ts'
import type { Part } from './restore.ts'

/** Everything that makes a restore impossible, found before anything is touched. */
export async function preflightRestore(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  parts: Part[],
): Promise<void> {
  refuseOlderServer('PostgreSQL', { dumped: String(snapshot.facts.serverMajor), server: String(client.server.major) })
  if (!client.server.superuser) {
    const way = 'A restore makes databases and roles; name a superuser, often $POSTGRES_USER.'
    refuseRestore('the user of xnai.backup.postgres.user is no superuser', way)
  }
  await refuseMissingExtensions(client, snapshot, parts)
  await refuseFullDisk(ctx, client, parts)
}

async function refuseMissingExtensions(
  client: PostgresClient,
  { facts }: StoredSnapshot,
  parts: Part[],
): Promise<void> {
  const query = `SELECT coalesce(json_agg(name), '[]') FROM pg_available_extensions;`
  const available = new Set(await client.json<string[]>('template1', query))
  for (const { facts: database } of parts) {
    const { extensions = {} } = recordedContents(facts, database.name)
    const missing = Object.keys(extensions).filter((name) => !available.has(name))
    if (missing.length === 0) continue
    const message = `database ${database.name} needs extensions that the image lacks: ${missing.join(', ')}`
    refuseRestore(message, 'Use an image that carries them.')
  }
}

/** Old and new databases lie side by side until the swap. All that is written goes through the log too: without room there the server ends. */
async function refuseFullDisk(ctx: MethodContext, client: PostgresClient, parts: Part[]): Promise<void> {
  const { dataDirectory: directory } = client.server
  const bytes = parts.reduce((sum, { facts }) => sum + facts.bytes, 0)
  const needed = bytes + (await logGrowth(client, bytes))
  const explain = (free: number) =>
    `the databases need ${needed} bytes beside those of now, their log included; ${directory} has ${free} free`
  await refuseFullServer(ctx, { needed, directory, owner: "PostgreSQL's", explain })
}

/** By how much the files of the log (WAL) may grow while so many bytes are written: they are used again, and `max_wal_size` bounds them. */
async function logGrowth({ server, json }: PostgresClient, bytes: number): Promise<number> {
  if (server.major < 10) return 0
  const most = `least(${bytes}, pg_size_bytes(current_setting('max_wal_size')))`
  return await json<number>(
    'template1',
    `SELECT greatest(0, ${most} - (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()));`,
  )
}
