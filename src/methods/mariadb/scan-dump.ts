import { followBodies, headBytes } from './dump-lines.ts'
import { scanInsert } from './scan-insert.ts'
import { unquoteName } from './sql-text.ts'

/** Reads a dump of mariadb-dump or mysqldump while it goes by, without keeping it. */
export interface DumpScan {
  write(chunk: Buffer): void
  /** Rows by database and table. They are complete once the dump has ended. */
  readonly rows: Map<string, Map<string, number>>
}

const insertHead = Buffer.from('INSERT INTO `')
const newline = 0x0a

/**
 * Counts the rows of a dump in the very bytes that a restore will load, so that the count belongs to the instant of the dump. A second
 * session cannot see that instant: neither product lets two sessions share a snapshot, and a lock on all tables until both have one
 * would make every writer wait for the longest query that runs.
 *
 * It relies on this: with `SET sql_mode = ''`, as the programs set it, strings stand in single quotes with backslashes and hold no raw
 * newline; names stand in backticks; bodies stand where `followBodies` finds them.
 */
export function scanDump(): DumpScan {
  const { rows, readLine, isInBody, count } = countTables()
  let state: 'head' | 'rest' | 'insert' = 'head'
  let head = Buffer.alloc(0)
  let insert = scanInsert()

  /** Reads the first bytes of a line from `start`. Answers where to go on. */
  const readHead = (chunk: Buffer, start: number): number => {
    const end = chunk.indexOf(newline, start)
    const piece = chunk.subarray(start, Math.min(end < 0 ? chunk.length : end, start + headBytes))
    head = Buffer.concat([head, piece])
    if (!isInBody() && head.length >= insertHead.length && head.subarray(0, insertHead.length).equals(insertHead)) {
      const after = start + piece.length - (head.length - insertHead.length)
      state = 'insert'
      insert = scanInsert()
      head = Buffer.alloc(0)
      return after
    }
    const isWhole = start + piece.length === end
    if (!isWhole && head.length < headBytes) return chunk.length
    if (isWhole) readLine(head.toString('utf8'))
    state = isWhole ? 'head' : 'rest'
    head = Buffer.alloc(0)
    return start + piece.length + (isWhole ? 1 : 0)
  }
  const skipLine = (chunk: Buffer, start: number): number => {
    const end = chunk.indexOf(newline, start)
    if (end < 0) return chunk.length
    state = 'head'
    return end + 1
  }
  const readInsert = (chunk: Buffer, start: number): number => {
    const end = insert.write(chunk, start)
    if (!insert.isDone()) return end
    count(insert.table(), insert.rows())
    state = 'rest'
    return end
  }
  const write = (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      if (state === 'insert') at = readInsert(chunk, at)
      else at = state === 'head' ? readHead(chunk, at) : skipLine(chunk, at)
    }
  }
  return { write, rows }
}

/** Learns from the lines of a dump which tables there are, and to which database an INSERT belongs. */
function countTables() {
  const rows: DumpScan['rows'] = new Map()
  let tables = new Map<string, number>()
  let inBody = false
  const follow = followBodies()
  const readLine = (line: string) => {
    inBody = follow(line)
    if (inBody) return
    const database = line.match(/^USE `((?:[^`]|``)+)`;$/)?.[1]
    if (database !== undefined) {
      const name = unquoteName(database)
      tables = rows.get(name) ?? new Map()
      rows.set(name, tables)
    }
    const table = line.match(/^CREATE TABLE `((?:[^`]|``)+)` \($/)?.[1]
    if (table !== undefined) tables.set(unquoteName(table), 0)
  }
  const count = (table: string, more: number) => void tables.set(table, (tables.get(table) ?? 0) + more)
  return { rows, readLine, isInBody: () => inBody, count }
}
