import type { DatabaseReport } from './report.ts'

/** Runs one statement and answers its rows. */
export type Query = (sql: string) => Record<string, string | number | null>[]

/** A table of the schema `main`. `definition` is its CREATE statement where it is virtual. */
export interface Table {
  name: string
  definition?: string
}

/**
 * Checks the whole database at once, which covers the free pages too. Where the application's own collations, functions, modules or
 * tokenizers prevent that, it is checked table by table, and the tables that only the application can check are named. It throws
 * SQLite's error where the file cannot be read.
 */
export function checkIntegrity(all: Query, tables: Table[]): Pick<DatabaseReport, 'integrity' | 'unchecked'> {
  all('PRAGMA temp_store = MEMORY')
  const unknown = tables.filter(({ definition }) => definition !== undefined && isUnknown(all, definition))
  const unchecked = unknown.map(({ name }) => name)
  try {
    return { integrity: check(all), unchecked }
  } catch (error) {
    if (unknown.length === 0 && !isForeign(error)) throw error
  }
  const problems = tables.flatMap((table) => {
    if (unknown.includes(table)) return []
    try {
      return check(all, table.name).filter((line) => line !== 'ok')
    } catch (error) {
      if (!isForeign(error)) throw error
      unchecked.push(table.name)
      return []
    }
  })
  return { integrity: problems.length > 0 ? problems : ['ok'], unchecked }
}

function check(all: Query, table?: string): string[] {
  const argument = table === undefined ? '' : `(${quote(table)})`
  return all(`PRAGMA main.integrity_check${argument}`).map((row) => String(Object.values(row)[0]))
}

/**
 * Whether SQLite lacks what a virtual table is made of. The error that an existing one gives does not say so (FTS5 answers `SQL logic
 * error`), and a table whose parts are gone gives the same one. So an empty table of the same definition is made in the memory of this
 * connection: that fails for the want of a module or a tokenizer alone.
 */
function isUnknown(all: Query, definition: string): boolean {
  const made = /\bUSING\b.*/is.exec(definition)?.[0]
  try {
    all(`CREATE VIRTUAL TABLE temp.${probe} ${made}`)
  } catch (error) {
    return isForeign(error)
  }
  all(`DROP TABLE temp.${probe}`)
  return false
}

const probe = 'xnai_backup_probe'

/** Whether an error says that a part of the application itself is needed. Damage has other words, and mostly a code of its own. */
const isForeign = (error: unknown): boolean =>
  /no such (collation sequence|function|module|tokenizer)|unknown (function|tokenizer)/.test((error as Error).message)

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
