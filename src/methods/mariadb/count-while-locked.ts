import type { Insertion } from './pick-databases.ts'
import { quoteName, readRows, unquoteName } from './sql-text.ts'

/** The number of rows by database and table. */
export type RowCounts = Map<string, Record<string, number>>

/** Lets a load count what it loads. */
export interface LoadCount {
  /** See `onlyDatabases`. */
  insert(line: string): Insertion
  /** Reads the counts from the output of the client that has loaded. */
  read(output: string): RowCounts
}

const counted = 'xnai rows'

/**
 * Counts the rows of each table while the load still holds it locked, so that the count belongs to what was loaded, whatever a client
 * that nothing has stopped writes the moment it can. What such a client wrote between the making of a table and its lock is deleted: it
 * would clash with the rows that come.
 *
 * Tables of other engines are left out: their rows may lie on another server. So are tables whose dump has no lock.
 */
export function countWhileLocked(): LoadCount {
  const tables: { database: string; name: string }[] = []
  let database = ''
  let created = ''
  let isVersioned = false
  let isOurs = false
  let locked: string | undefined

  const insert = (line: string): Insertion => {
    const [, used] = line.match(/^USE `((?:[^`]|``)+)`;$/) ?? []
    if (used !== undefined) database = unquoteName(used)
    const [, name] = line.match(/^CREATE TABLE `((?:[^`]|``)+)` \($/) ?? []
    if (name !== undefined) {
      created = unquoteName(name)
      isOurs = false
    }
    const [, engine] = line.match(/^\) ENGINE=(\w+)/) ?? []
    if (engine !== undefined) {
      isOurs = /^(InnoDB|MyISAM|Aria)$/.test(engine)
      isVersioned = / WITH SYSTEM VERSIONING\b/.test(line)
    }
    const [, lock] = line.match(/^LOCK TABLES `((?:[^`]|``)+)` WRITE;$/) ?? []
    if (lock !== undefined) {
      locked = isOurs && created === unquoteName(lock) ? created : undefined
      return locked === undefined || isVersioned ? {} : { after: `DELETE FROM ${quoteName(locked)};\n` }
    }
    if (line !== 'UNLOCK TABLES;' || locked === undefined) return {}
    const index = tables.push({ database, name: locked }) - 1
    const past = isVersioned ? ' FOR SYSTEM_TIME ALL' : ''
    const before = `SELECT '${counted}', ${index}, COUNT(*) FROM ${quoteName(locked)}${past};\n`
    locked = undefined
    return { before }
  }
  const read = (output: string) =>
    groupCounts(
      tables,
      readRows(output).flatMap(([kind, ...row]) => (kind === counted ? [row] : [])),
    )
  return { insert, read }
}

/** Groups rows of an index into `tables` and a count by database and table. */
export function groupCounts(tables: readonly { database: string; name: string }[], rows: string[][]): RowCounts {
  const counts = new Map<string, [string, number][]>()
  for (const [index, count] of rows) {
    const table = tables[Number(index)]
    if (!table) continue
    const ofDatabase = counts.get(table.database) ?? []
    ofDatabase.push([table.name, Number(count)])
    counts.set(table.database, ofDatabase)
  }
  return new Map([...counts].map(([database, entries]) => [database, Object.fromEntries(entries)]))
}
