import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { refuseNewer, upgrade } from './migrations.ts'
import { inTransaction } from './transaction.ts'

export type Row = Record<string, SQLInputValue>

/** The database as the parts of the catalog use it. Every call blocks until it is done; a change is on disk when it returns. */
export interface Database extends Disposable {
  all(sql: string, ...values: SQLInputValue[]): Row[]
  /** Answers the id of the row that was inserted last. */
  change(sql: string, ...values: SQLInputValue[]): number
  /** Runs `work` in one transaction, which is rolled back when `work` throws. Calls MUST NOT be nested. */
  atomically<T>(work: () => T): T
}

/** Longest wait for another process that writes. */
const busyMs = 10_000

/** Opens `catalog.db` in the directory, creates it where it is missing, and brings its schema to this program's version. */
export function openDatabase(stateDirectory: string): Database {
  const sqlite = new DatabaseSync(join(stateDirectory, 'catalog.db'), { timeout: busyMs })
  try {
    refuseNewer(sqlite)
    sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    upgrade(sqlite)
  } catch (error) {
    sqlite.close()
    throw error
  }
  return {
    all: (sql, ...values) => sqlite.prepare(sql).all(...values) as Row[],
    change: (sql, ...values) => Number(sqlite.prepare(sql).run(...values).lastInsertRowid),
    atomically: (work) => inTransaction(sqlite, work),
    [Symbol.dispose]: () => sqlite.close(),
  }
}
