import { statfs } from 'node:fs/promises'
import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import type { PostgresClient } from './client.ts'
import { recordedContents } from './count.ts'
import type { Part } from './restore.ts'

/** Everything that makes a restore impossible, found before anything is touched. */
export async function refuseUnfit(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  parts: Part[],
): Promise<void> {
  refuseOlderServer(client, snapshot)
  if (!client.server.superuser) {
    throw new BackupError('RESTORE_REFUSED', 'the user of xnai.backup.postgres.user is no superuser', {
      hint: 'Nothing was touched. A restore makes databases and roles; name a superuser, often $POSTGRES_USER.',
    })
  }
  await refuseMissingExtensions(client, snapshot, parts)
  await refuseFull(ctx, client, parts)
}

function refuseOlderServer({ server }: PostgresClient, { facts }: StoredSnapshot): void {
  const dumped = Number(facts.serverMajor)
  if (!(dumped > server.major)) return
  const message = `the dump comes from PostgreSQL ${dumped}, the server is PostgreSQL ${server.major}`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: `Nothing was touched. Use an image of PostgreSQL ${dumped} or newer.`,
  })
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
    throw new BackupError('RESTORE_REFUSED', message, { hint: 'Nothing was touched. Use an image that carries them.' })
  }
}

/** Old and new databases lie side by side until the swap. */
async function refuseFull(ctx: MethodContext, { server }: PostgresClient, parts: Part[]): Promise<void> {
  const needed = parts.reduce((sum, { facts }) => sum + facts.bytes, 0)
  const free = await freeBytes(ctx, server.dataDirectory)
  if (free === undefined || free >= needed) return
  const message = `the databases need ${needed} bytes beside those of now, ${server.dataDirectory} has ${free} free`
  throw new BackupError('NO_SPACE', message)
}

/** Undefined, with a warning, where this process cannot see the data directory. */
async function freeBytes(ctx: MethodContext, directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(ctx.hostPath(directory))
    return bavail * bsize
  } catch (error) {
    ctx.warn(`free space of PostgreSQL's data was not checked: ${asBackupError(error).message}`)
    return undefined
  }
}
