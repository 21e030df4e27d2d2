import type { DatabaseSync } from 'node:sqlite'

/**
 * Runs `work` in one transaction and answers what it answers; rolls back when it throws. The write lock is taken at once, so that
 * what `work` reads stays true until it has written. Transactions must not be nested.
 */
export function inTransaction<T>(sqlite: DatabaseSync, work: () => T): T {
  sqlite.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    sqlite.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite itself has rolled back where the disk is full.
    if (sqlite.isTransaction) sqlite.exec('ROLLBACK')
    throw error
  }
}
