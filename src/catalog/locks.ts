import { BackupError } from '../errors.ts'
import type { Locks } from './catalog.ts'
import type { Database } from './database.ts'
import { describeKey, formatKey, type LockKey, parseKey } from './keys.ts'
import type { Owner } from './owner.ts'

export function makeLocks(database: Database, owner: Owner): Locks {
  const take = (key: LockKey, run: string) => {
    const [held] = database.all('SELECT owner, run FROM locks WHERE key = ?', formatKey(key))
    if (held && !owner.isDead(held.owner)) {
      throw new BackupError('BUSY', `${describeKey(key)} is being worked on by run ${held.run}`)
    }
    database.change('INSERT OR REPLACE INTO locks (key, owner, run) VALUES (?, ?, ?)', formatKey(key), owner.id, run)
  }
  const release = (key: LockKey, run: string) =>
    database.change('DELETE FROM locks WHERE key = ? AND owner = ? AND run = ?', formatKey(key), owner.id, run)

  return {
    lock(keys, run) {
      const distinct = [...new Map(keys.map((key) => [formatKey(key), key])).values()]
      database.atomically(() => {
        for (const key of distinct) take(key, run)
      })
      return {
        [Symbol.dispose]: () => {
          for (const key of distinct) release(key, run)
        },
      }
    },
    holders: () =>
      database
        .all('SELECT key, run, owner FROM locks ORDER BY key')
        .filter((row) => !owner.isDead(row.owner))
        .map((row) => ({ key: parseKey(String(row.key)), run: String(row.run) })),
  }
}
