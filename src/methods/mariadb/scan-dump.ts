import { unquoteName } from './sql-text.ts'

/** Reads a dump of mariadb-dump or mysqldump while it goes by, without keeping it. */
export interface DumpScan {
  write(chunk: Buffer): void
  /** Rows by database and table. They are complete once the dump has ended. */
  readonly rows: Map<string, Map<string, number>>
}

const insertHead = Buffer.from('INSERT INTO `')
/** No line that means something here is longer, except an INSERT, which is recognised by its first bytes. */
const headBytes = 1024

const [newline, backtick, quote, backslash, opening, closing, semicolon, letterV] = Buffer.from("\n`'\\();V")

/**
 * Counts the rows of a dump in the very bytes that a restore will load, so that the count belongs to the instant of the dump. A second
 * session cannot see that instant: neither product lets two sessions share a snapshot, and a lock on all tables until both have one
 * would make every writer wait for the longest query that runs.
 *
 * It relies on this: with `SET sql_mode = ''`, as the programs set it, strings stand in single quotes with backslashes and hold no raw
 * newline; names stand in backticks; the bodies of routines, triggers and events stand between `DELIMITER ;;` and `DELIMITER ;`.
 */
export function scanDump(): DumpScan {
  const rows: DumpScan['rows'] = new Map()
  let tables = new Map<string, number>()
  let inBody = false
  let state: 'head' | 'rest' | 'insert' = 'head'
  let head = Buffer.alloc(0)
  let insert = startInsert()

  const readLine = (line: string) => {
    const delimiter = line.match(/^DELIMITER (\S+)$/)
    if (delimiter) inBody = delimiter[1] !== ';'
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
  /** Reads the first bytes of a line from `start`. Answers where to go on. */
  const readHead = (chunk: Buffer, start: number): number => {
    const end = chunk.indexOf(newline as number, start)
    const piece = chunk.subarray(start, Math.min(end < 0 ? chunk.length : end, start + headBytes))
    head = Buffer.concat([head, piece])
    if (!inBody && head.length >= insertHead.length && head.subarray(0, insertHead.length).equals(insertHead)) {
      const after = start + piece.length - (head.length - insertHead.length)
      state = 'insert'
      insert = startInsert()
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
    const end = chunk.indexOf(newline as number, start)
    if (end < 0) return chunk.length
    state = 'head'
    return end + 1
  }
  const readInsert = (chunk: Buffer, start: number): number => {
    const end = insert.write(chunk, start)
    if (!insert.isDone()) return end
    const name = insert.table()
    tables.set(name, (tables.get(name) ?? 0) + insert.rows())
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

/** Reads one `INSERT INTO` after its first backtick: the name, the columns if they are named, the rows, the semicolon. */
function startInsert() {
  let part: 'name' | 'columns' | 'values' | 'done' = 'name'
  const name: number[] = []
  let inName = true
  let count = 0
  let depth = 0
  let inText = false
  let isEscaped = false

  const readByte = (byte: number) => {
    if (byte === backtick) inName = !inName
    // A backtick that closes the name and opens it again is part of the name.
    if (part === 'name' && inName) name.push(byte)
    else if (part === 'name' && byte !== backtick) part = 'columns'
    // Column names are quoted, so that this can only be VALUES.
    if (part === 'columns' && !inName && byte === letterV) part = 'values'
  }
  const readValues = (chunk: Buffer, start: number): number => {
    let at = start
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (inText) {
        if (isEscaped) isEscaped = false
        else if (byte === backslash) isEscaped = true
        else if (byte === quote) inText = false
      } else if (byte === quote) inText = true
      else if (byte === opening && ++depth === 1) count++
      else if (byte === closing) depth--
      else if (byte === semicolon && depth === 0) {
        part = 'done'
        return at + 1
      }
    }
    return at
  }
  return {
    write(chunk: Buffer, start: number): number {
      let at = start
      while (at < chunk.length && part !== 'values') readByte(chunk[at++] as number)
      return readValues(chunk, at)
    },
    isDone: () => part === 'done',
    table: () => Buffer.from(name).toString('utf8'),
    rows: () => count,
  }
}
