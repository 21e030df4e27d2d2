import { asBackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import type { PostgresClient } from './client.ts'
import { quoteText } from './sql-text.ts'

/**
 * A psql script that has the databases refuse new connections and then ends those that there are. A superuser is refused too. Statements
 * that close a database cannot be part of the swap's transaction: clients would not see them before its end.
 */
export function closingScript(names: string[]): string {
  return [alter('ALLOW_CONNECTIONS false', names, 'datallowconn'), endSessions(names)].join('\n')
}

/** A statement of psql that ends all other sessions of the databases. */
export const endSessions = (names: string[]): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (${list(names)}) AND pid <> pg_backend_pid() \\g /dev/null`

/** Has databases take connections again. Those that are open, or gone, are left as they are. Warns and answers false where it fails. */
export async function reopen(ctx: MethodContext, client: PostgresClient, names: string[]): Promise<boolean> {
  if (names.length === 0) return true
  try {
    await client.script('template1', alter('ALLOW_CONNECTIONS true', names, 'NOT datallowconn'))
    return true
  } catch (error) {
    ctx.warn(`${names.join(', ')} may refuse connections: ${asBackupError(error).message}`)
    return false
  }
}

/** An invalid database can be renamed and dropped, and nothing else. */
const alter = (change: string, names: string[], where: string): string =>
  `SELECT format('ALTER DATABASE %I ${change}', datname) FROM pg_database
    WHERE datname IN (${list(names)}) AND ${where} AND datconnlimit <> -2 \\gexec`

const list = (names: string[]): string => names.map(quoteText).join(', ')

/**
 * Warns of the clients of these databases. The clients that the labels name are down by now: these are others, and what they write until
 * the databases are swapped is lost.
 */
export async function warnOfClients(ctx: MethodContext, client: PostgresClient, names: string[]): Promise<void> {
  if (client.server.major < 10 || names.length === 0) return
  const clients = await client.json<string[]>(
    'template1',
    `SELECT coalesce(json_agg(DISTINCT format('%s in %s from %s', usename, datname, coalesce(host(client_addr), 'its container'))), '[]')
      FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname IN (${list(names)})
        AND pid <> pg_backend_pid() AND application_name <> 'xnai-backup';`,
  )
  if (clients.length === 0) return
  ctx.warn(
    `clients that no label names are connected, and what they write now is lost: ${clients.join(', ')}. Name them in xnai.backup.clients as service or project/service.`,
  )
}
