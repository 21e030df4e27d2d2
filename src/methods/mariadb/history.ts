import type { MethodContext } from '../method.ts'
import type { MariadbClient } from './client.ts'
import type { DatabaseFacts } from './inventory.ts'
import { quoteText } from './sql-text.ts'

/** The option by which mariadb-dump, from 10.11 on, dumps tables WITH SYSTEM VERSIONING with all their past rows. */
const option = '--dump-history'

/**
 * Answers the option for the dump where a table keeps the history of its rows. Where the program cannot dump it, the tables are named in
 * a warning: then only their present rows are dumped.
 */
export async function historyOptions(
  ctx: MethodContext,
  client: MariadbClient,
  databases: DatabaseFacts[],
): Promise<string[]> {
  const names = databases.flatMap(({ name, tables }) =>
    tables.filter(({ versioned }) => versioned).map((table) => `${name}.${table.name}`),
  )
  if (names.length === 0) return []
  const reason = await whyImpossible(client, databases)
  if (reason === undefined) return [option]
  ctx.warn(`tables with system versioning are dumped without their history: ${names.join(', ')}: ${reason}`)
  return []
}

async function whyImpossible(client: MariadbClient, databases: DatabaseFacts[]): Promise<string | undefined> {
  const known = await client.run('dump', [option, '--version'])
  if (known.exitCode !== 0) return 'the program of this version cannot dump it'
  const schemas = databases.map(({ name }) => quoteText(name)).join(', ')
  const exact = await client.query(
    `SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA IN (${schemas}) AND DATA_TYPE = 'bigint' AND GENERATION_EXPRESSION = 'ROW START' ORDER BY 1;`,
  )
  if (exact.length === 0) return undefined
  return `the program cannot dump a history that is kept by transactions, as that of ${exact.flat().join(', ')}`
}
