import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { DatabaseReport } from './report.ts'

type Row = Record<string, string | number | null>

/** Reads a database from end to end. */
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

/** Tables that hold rows of their own, those behind virtual tables included. */
function listTables(all: (sql: string) => Row[]): string[] {
  const rows = all(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name`,
  )
  return rows.map(({ name }) => String(name)).filter((name) => name !== 'sqlite_schema')
}

/** What the application alone knows: its own collations, functions and modules. */
const foreign = /no such (collation sequence|function|module)/

/** The whole database at once, which covers the free pages too; table by table where the application's own collations prevent it. */
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

/** An answer that may need what the application alone knows. */
function attempt(ask: () => number): number | string {
  try {
    return ask()
  } catch (error) {
    return (error as Error).message
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
