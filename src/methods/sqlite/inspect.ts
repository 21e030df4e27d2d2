import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { DatabaseReport } from './report.ts'

type Row = Record<string, string | number | null>

/** Reads a database from end to end: checks it, counts the rows and hashes the schema. */
export function inspect(database: DatabaseSync): DatabaseReport {
  const all = (sql: string) => database.prepare(sql).all() as Row[]
  const single = (sql: string) => Object.values(all(sql)[0] ?? {})[0] ?? null
  const tables = listTables(all)
  return {
    ...checkIntegrity(all, tables),
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
function listTables(all: (sql: string) => Row[]): string[] {
  const rows = all(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name`,
  )
  return rows.map(({ name }) => String(name)).filter((name) => name !== 'sqlite_schema')
}

/** The message of an error that a collation, a function or a module of the application itself is needed. */
const foreign = /no such (collation sequence|function|module)/

/**
 * Checks the whole database at once, which covers the free pages too. Where the application's own collations prevent that, it is checked
 * table by table.
 */
function checkIntegrity(
  all: (sql: string) => Row[],
  tables: string[],
): Pick<DatabaseReport, 'integrity' | 'unchecked'> {
  const check = (table?: string) =>
    all(`PRAGMA integrity_check${table === undefined ? '' : `(${quote(table)})`}`).map((row) =>
      String(Object.values(row)[0]),
    )
  try {
    return { integrity: check(), unchecked: [] }
  } catch (error) {
    if (!foreign.test((error as Error).message)) throw error
  }
  const unchecked: string[] = []
  const problems = tables.flatMap((table) => {
    try {
      return check(table).filter((line) => line !== 'ok')
    } catch (error) {
      if (!foreign.test((error as Error).message)) throw error
      unchecked.push(table)
      return []
    }
  })
  return { integrity: problems.length > 0 ? problems : ['ok'], unchecked }
}

function hashSchema(all: (sql: string) => Row[]): string {
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

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
