import { type ArchiveEntry, damaged, readArchive } from './archive.ts'
import { quoteOddName } from './sql-text.ts'

/** What the bytes of a dump hold. */
export interface DumpContents {
  /** Rows by `schema.table`; see `Contents.rows`. */
  rows: Record<string, number>
  sequences: number
  largeObjects: number
  /** The names of the extensions that the dump creates. */
  extensions: string[]
}

/** Reads a dump in custom format while it goes by, without keeping it. */
export interface DumpScan {
  /** Throws DUMP_FAILED where the bytes are no dump. */
  write(chunk: Buffer): void
  /** Throws DUMP_FAILED where the dump is not whole. */
  finish(): void
  /** What the whole dump holds. Undefined where its format is newer than all that are known. */
  contents(): DumpContents | undefined
}

const newline = 0x0a
/** By these lines pg_dump ends the data of each table. */
const endMark = Buffer.from('\n\\.\n\n\n')

/**
 * Counts what a dump holds in the very bytes that a restore will load, so that the count belongs to the instant of the dump whatever
 * happens in the server meanwhile. A table is counted by the lines of its COPY data: each row is one line, because COPY writes a
 * newline within a value as `\n`.
 */
export function scanDump(): DumpScan {
  const found: DumpContents = { rows: {}, sequences: 0, largeObjects: 0, extensions: [] }
  const tables = new Set<string>()
  const counts = new Map<string, number>()
  const dataOf = new Map<number, string>()
  const lines = countLines()

  const entry = ({ id, kind, schema, name, definition }: ArchiveEntry) => {
    const table = `${quoteOddName(schema)}.${quoteOddName(name)}`
    if (kind === 'TABLE' && !/\nPARTITION BY /.test(definition)) tables.add(table)
    if (kind === 'TABLE DATA') dataOf.set(id, table)
    if (kind === 'SEQUENCE') found.sequences++
    if (kind === 'EXTENSION') found.extensions.push(name)
  }
  const end = (id: number) => {
    const table = dataOf.get(id)
    if (table !== undefined) counts.set(table, lines.finish(table))
  }
  const largeObject = () => void found.largeObjects++
  const { write, finish, isKnown } = readArchive({ entry, data: lines.add, largeObject, end })
  const contents = () => {
    if (!isKnown()) return undefined
    // The data of an extension's own table belongs to no TABLE entry. A standby cannot read unlogged tables: they have no data.
    const rows = Object.fromEntries([...tables].map((table) => [table, counts.get(table) ?? 0]))
    return { ...found, rows }
  }
  return { write, finish, contents }
}

/** Counts the rows of one table after the other. It runs for every row, so it works on numbers and makes no objects. */
function countLines() {
  let newlines = 0
  let bytes = 0
  // The last six bytes. The first row stands at the beginning of a line.
  let [early, late] = [0, newline]
  const add = (piece: Buffer, from: number, to: number) => {
    for (let at = from; at < to; at++) if (piece[at] === newline) newlines++
    for (let at = Math.max(from, to - 6); at < to; at++) {
      early = ((early << 8) | (late >>> 16)) & 0xffffff
      late = ((late << 8) | (piece[at] as number)) & 0xffffff
    }
    bytes += to - from
  }
  const finish = (table: string): number => {
    const isWhole = bytes > 0 && early === endMark.readUIntBE(0, 3) && late === endMark.readUIntBE(3, 3)
    if (!isWhole) throw damaged(`the data of ${table} has no end`)
    const rows = newlines - 3
    newlines = 0
    bytes = 0
    ;[early, late] = [0, newline]
    return rows
  }
  return { add, finish }
}
