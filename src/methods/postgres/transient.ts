import { asBackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import type { StoredDatabase } from './artifacts.ts'
import type { PostgresClient } from './client.ts'
import { endSessions } from './close-databases.ts'
import { quoteName, quoteText } from './sql-text.ts'
import type { SwapEntry } from './swap-sql.ts'

/** Whether a restore has given this name, to a database that it made or moved out of the way. Such databases are never backed up. */
const isTransient = (name: string): boolean => /^xnai_(restore|old)_[0-9a-f]{8}_\d+$/.test(name)

/** The names that a restore swaps. Those of transient databases carry the id of the restore, so that `dropTransient` finds them. */
export function swapEntries(
  databases: StoredDatabase[],
  present: string[],
  id: string,
): (StoredDatabase & SwapEntry)[] {
  return databases.map((database, index) => ({
    ...database,
    fresh: `xnai_restore_${id}_${index}`,
    ...(present.includes(database.facts.name) && { old: `xnai_old_${id}_${index}` }),
  }))
}

/** Lists the names of all databases, whatever their kind. */
export const listNames = (client: PostgresClient): Promise<string[]> =>
  client.json('template1', 'SELECT json_agg(datname ORDER BY datname) FROM pg_database;')

interface NamedDatabase {
  name: string
  comment: string | null
}

/** The name that pg_cron's own script takes for that of a test database; see `createCron`. */
export const cronName = 'contrib_regression'

/** The transient name of a database. Undefined for all that a restore did not make. */
export function transientName({ name, comment }: NamedDatabase): string | undefined {
  const own = name === cronName ? (comment ?? '') : name
  return isTransient(own) ? own : undefined
}

/** Drops the transient databases of the restore `id`, or of all restores. Warns of those that cannot be dropped, and answers their names. */
export async function dropTransient(ctx: MethodContext, client: PostgresClient, id?: string): Promise<string[]> {
  const left: string[] = []
  const databases = await client.json<NamedDatabase[]>('template1', databasesQuery)
  const isOurs = (own: string | undefined) => own !== undefined && (id === undefined || own.includes(`_${id}_`))
  for (const { name } of databases.filter((database) => isOurs(transientName(database)))) {
    try {
      await dropDatabase(client, name)
    } catch (error) {
      ctx.warn(`the left-over database ${name} could not be dropped: ${asBackupError(error).message}`)
      left.push(name)
    }
  }
  return left
}

const databasesQuery = `SELECT json_agg(json_build_object('name', datname, 'comment', shobj_description(oid, 'pg_database')))
  FROM pg_database;`

/** Drops a database with its sessions. Its subscriptions are detached first: their slots stay, for those that were restored. */
export async function dropDatabase(client: PostgresClient, name: string): Promise<void> {
  await detachSubscriptions(client, name)
  await client.script('template1', dropSql(client, name), { timeoutSeconds: 600 })
}

/** A database that has a subscription cannot be dropped, and only a session in it can drop that. */
async function detachSubscriptions(client: PostgresClient, name: string): Promise<void> {
  const subscriptions = await listSubscriptions(client, name)
  if (subscriptions.length === 0) return
  await client.script('template1', `ALTER DATABASE ${quoteName(name)} ALLOW_CONNECTIONS true;`)
  const detach = subscriptions
    .map(quoteName)
    .map(
      (each) =>
        `ALTER SUBSCRIPTION ${each} DISABLE;\nALTER SUBSCRIPTION ${each} SET (slot_name = NONE);\nDROP SUBSCRIPTION ${each};`,
    )
  await client.script(name, detach.join('\n'))
}

/** Lists the names of the subscriptions of a database, which takes no connection to it. */
export async function listSubscriptions({ server, json }: PostgresClient, database: string): Promise<string[]> {
  if (server.major < 10) return []
  const query = `SELECT coalesce(json_agg(subname), '[]') FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
    WHERE d.datname = ${quoteText(database)};`
  return await json<string[]>('template1', query)
}

function dropSql({ server }: PostgresClient, name: string): string {
  const isTemplate = `SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database
    WHERE datname = ${quoteText(name)} AND datistemplate \\gexec`
  if (server.major >= 13) return `${isTemplate}\nDROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE);`
  return `${isTemplate}\n${endSessions([name])}\nDROP DATABASE IF EXISTS ${quoteName(name)};`
}
