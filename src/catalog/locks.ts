import { BackupError } from '../errors.ts'
import type { Locks } from './catalog.ts'
import type { Database, Row } from './database.ts'
import { describeKey, formatKey, type LockKey, parseKey } from './keys.ts'
import type { Owner } from './owner.ts'

export function makeLocks(database: Database, owner: Owner): Locks {
  // The database may be unable to record a release, because its disk is full. This set knows it all the same.
  const held = new Set<string>()
  const isHeld = (row: Row) => (row.owner === owner.id ? held.has(String(row.key)) : !owner.isDead(row.owner))

  const take = (key: LockKey, run: string) => {
    const [row] = database.all('SELECT key, owner, run FROM locks WHERE key = ?', formatKey(key))
    if (row && isHeld(row)) {
      throw new BackupError('BUSY', `${describeKey(key)} is being worked on by run ${row.run}`)
    }
    database.change('INSERT OR REPLACE INTO locks (key, owner, run) VALUES (?, ?, ?)', formatKey(key), owner.id, run)
  }
  // Keys that are released and still have a row. Other processes see them held until the row is gone.
  const unreleased = new Set<string>()
  const release = (keys: string[]) => {
    for (const key of keys) {
      held.delete(key)
      unreleased.add(key)
    }
    removeRows()
  }
  const removeRows = () => {
    try {
      for (const key of unreleased) {
        database.change('DELETE FROM locks WHERE key = ? AND owner = ?', key, owner.id)
        unreleased.delete(key)
      }
    } catch {
      // The next call tries again. A failure here MUST NOT become one of the run that releases its locks.
    }
  }

  return {
    lock(keys, run) {
      removeRows()
      const distinct = [...new Map(keys.map((key) => [formatKey(key), key])).values()]
      database.atomically(() => {
        for (const key of distinct) take(key, run)
      })
      const texts = distinct.map(formatKey)
      for (const text of texts) held.add(text)
      return { [Symbol.dispose]: () => release(texts) }
    },
    cancel: (run) => void database.change('UPDATE locks SET cancelled = 1 WHERE run = ?', run),
    isCancelled: (run) => database.all('SELECT 1 FROM locks WHERE run = ? AND cancelled = 1', run).length > 0,
    holders: () => {
      removeRows()
      const rows = database.all('SELECT key, run, owner FROM locks ORDER BY key').filter(isHeld)
      return rows.map((row) => ({ key: parseKey(String(row.key)), run: String(row.run) }))
    },
  }
}
