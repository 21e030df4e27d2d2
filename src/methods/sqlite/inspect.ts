import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { checkIntegrity, type Query, quote, type Table } from './check-integrity.ts'
import type { DatabaseReport } from './report.ts'

/** Reads a database from end to end: checks it, counts the rows and hashes the schema. */
export function inspect(database: DatabaseSync): DatabaseReport {
  const all: Query = (sql) => database.prepare(sql).all() as ReturnType<Query>
  const single = (sql: string) => Object.values(all(sql)[0] ?? {})[0] ?? null
  const tables = listTables(all)
  return {
    ...checkIntegrity(all, [...tables.map((name) => ({ name })), ...listVirtual(all)]),
    properties: {
      sqlite: String(single('SELECT sqlite_version()')),
      pages: Number(single('PRAGMA page_count')),
      pageBytes: Number(single('PRAGMA page_size')),
      encoding: String(single('PRAGMA encoding')),
      userVersion: Number(single('PRAGMA user_version')),
      applicationId: Number(single('PRAGMA application_id')),
      foreignKeyViolations: attempt(() => Number(single('SELECT count(*) FROM pragma_foreign_key_check'))),
      schemaSha256: hashSchema(all),
    },
    rows: Object.fromEntries(
      tables.map((name) => [name, attempt(() => Number(single(`SELECT count(*) FROM main.${quote(name)}`)))]),
    ),
  }
}

/** The tables that hold rows of their own, including those behind virtual tables. */
function listTables(all: Query): string[] {
  const rows = all(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name`,
  )
  return rows.map(({ name }) => String(name)).filter((name) => name !== 'sqlite_schema')
}

/** The virtual tables. Their rows lie in tables of the list above, or outside the file. */
function listVirtual(all: Query): Table[] {
  const rows = all(
    `SELECT name, sql FROM pragma_table_list JOIN sqlite_schema USING (name) WHERE schema = 'main' AND pragma_table_list.type = 'virtual' ORDER BY name`,
  )
  return rows.map(({ name, sql }) => ({ name: String(name), definition: String(sql) }))
}

function hashSchema(all: Query): string {
  const rows = all('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
  return createHash('sha256')
    .update(JSON.stringify(rows.map(Object.values)))
    .digest('hex')
}

/** Asks for a number that may need functions of the application. Returns the message of the error where it does. */
function attempt(ask: () => number): number | string {
  try {
    return ask()
  } catch (error) {
    return (error as Error).message
  }
}
