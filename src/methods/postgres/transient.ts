import type { MethodContext } from '../method.ts'
import type { StoredDatabase } from './artifacts.ts'
import { type PostgresClient, psqlArguments } from './client.ts'
import { quoteName, quoteText } from './sql-text.ts'
import type { SwapEntry } from './swap-sql.ts'

/** Whether a restore has made this database, or moved it out of the way. Such databases are never backed up. */
export const isTransient = (name: string): boolean => /^xnai_(restore|old)_[0-9a-f]{8}_\d+$/.test(name)

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

/** Drops the transient databases of the restore `id`, or of all restores. Warns of those that cannot be dropped, and answers their names. */
export async function dropTransient(ctx: MethodContext, client: PostgresClient, id?: string): Promise<string[]> {
  const left: string[] = []
  const names = await client.json<string[]>('template1', `SELECT coalesce(json_agg(datname), '[]') FROM pg_database;`)
  for (const name of names.filter((each) => isTransient(each) && (id === undefined || each.includes(`_${id}_`)))) {
    const result = await client.run('psql', psqlArguments('template1'), {
      input: dropSql(client, name),
      timeoutSeconds: 600,
    })
    if (result.exitCode === 0) continue
    ctx.warn(`the left-over database ${name} could not be dropped: ${result.stderr.trim().split('\n')[0]}`)
    left.push(name)
  }
  return left
}

function dropSql({ server }: PostgresClient, name: string): string {
  if (server.major >= 13) return `DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE);`
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${quoteText(name)};`
  return `${end}\nDROP DATABASE IF EXISTS ${quoteName(name)};`
}
