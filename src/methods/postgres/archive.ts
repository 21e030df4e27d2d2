import { BackupError } from '../../errors.ts'

/** One entry of the table of contents. */
export interface ArchiveEntry {
  id: number
  /** What it is, in the words of pg_dump: `TABLE`, `TABLE DATA`, `EXTENSION` … */
  kind: string
  schema: string
  name: string
  /** The statement that makes it; '' where there is none. */
  definition: string
  /** Whether a block of data follows that belongs to it. */
  hasData: boolean
}

/** Is called with the parts of an archive in their order. */
export interface ArchiveVisitor {
  entry(entry: ArchiveEntry): void
  /** The data of an entry, as bytes `from` to `to` of `bytes`, piece by piece. */
  data(bytes: Buffer, from: number, to: number): void
  /** A large object begins. Its bytes are not visited. */
  largeObject(): void
  /** The data of the entry `id` is whole. */
  end(id: number): void
}

/** The newest format whose parts are known: that of PostgreSQL 17 and 18. */
const newestMinor = 16
const dataBlock = 1
const largeObjectsBlock = 3

/**
 * Reads an uncompressed archive in pg_dump's custom format while it goes by: a header, a table of contents, and a block for each entry
 * that has data (src/bin/pg_dump/pg_backup_archiver.c and pg_backup_custom.c of PostgreSQL). `write` throws DUMP_FAILED where the bytes
 * are no archive, and `finish` where it ends before the last block does. An archive of a format that is newer than all that are known
 * is not read: `isKnown` is false then.
 */
export function readArchive(visitor: ArchiveVisitor) {
  let rest: Buffer = Buffer.alloc(0)
  let head: Header | undefined
  let entries = 0
  const awaited = new Set<number>()
  const end = (id: number) => {
    awaited.delete(id)
    visitor.end(id)
  }
  const blocks = readBlocks({ ...visitor, end })

  /** Reads the header or one entry. */
  const readContents = (cursor: Cursor): void => {
    if (!head) {
      head = readHeader(cursor)
      return
    }
    const entry = readEntry(cursor, head)
    entries++
    if (entry.hasData) awaited.add(entry.id)
    visitor.entry(entry)
  }
  const isInContents = () => !head || (head.isKnown && entries < head.entries)
  const write = (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (isInContents()) {
      const read = attempt(rest, head?.intSize, readContents)
      if (read === undefined) return
      rest = rest.subarray(read)
    }
    rest = head?.isKnown ? rest.subarray(blocks.read(rest, head.intSize)) : Buffer.alloc(0)
  }
  const finish = () => {
    if (!head && rest.length === 0) throw new BackupError('DUMP_FAILED', 'the dump came out empty')
    if (head && !head.isKnown) return
    if (isInContents() || rest.length > 0 || blocks.isInBlock()) throw damaged('it ends in the middle')
    if (awaited.size > 0) throw damaged(`the data of ${awaited.size} entries is missing`)
  }
  return { write, finish, isKnown: () => head?.isKnown ?? true }
}

interface Header {
  minor: number
  intSize: number
  offsetSize: number
  isKnown: boolean
  entries: number
}

function readHeader(cursor: Cursor): Header {
  if (cursor.bytes(5).toString('latin1') !== 'PGDMP') throw new BackupError('DUMP_FAILED', 'pg_dump wrote no dump')
  const [major, minor] = [cursor.byte(), cursor.byte(), cursor.byte()]
  const [intSize, offsetSize, format] = [cursor.byte(), cursor.byte(), cursor.byte()]
  const isKnown = major === 1 && minor !== undefined && minor <= newestMinor
  if (!isKnown) return { minor: 0, intSize, offsetSize, isKnown, entries: 0 }
  if (minor < 12 || format !== 1) throw damaged('it is of an unknown format')
  cursor.intSize = intSize
  const compression = minor >= 15 ? cursor.byte() : cursor.int()
  if (compression !== 0) throw damaged('it is compressed')
  for (let part = 0; part < 7; part++) cursor.int() // The time of the dump.
  for (let part = 0; part < 3; part++) cursor.text() // The database, and the versions of server and program.
  return { minor, intSize, offsetSize, isKnown, entries: cursor.int() }
}

function readEntry(cursor: Cursor, { minor, offsetSize }: Header): ArchiveEntry {
  const [id, hasData] = [cursor.int(), cursor.int() !== 0]
  for (let part = 0; part < 2; part++) cursor.text() // The ids in the catalog of the server.
  const [name, kind] = [cursor.text() ?? '', cursor.text() ?? '']
  cursor.int() // The section.
  const definition = cursor.text() ?? ''
  for (let part = 0; part < 2; part++) cursor.text() // The statements that drop it and that copy into it.
  const schema = cursor.text() ?? ''
  cursor.text() // The tablespace.
  if (minor >= 14) cursor.text() // The access method.
  if (minor >= 16) cursor.int() // The kind of relation.
  for (let part = 0; part < 2; part++) cursor.text() // The owner, and whether it has oids.
  while (cursor.text() !== null); // What it depends on.
  cursor.bytes(1 + offsetSize)
  return { id, kind, schema, name, definition, hasData }
}

/** Reads the blocks of data. `read` answers how many bytes it has read; the others belong to a number that is not whole yet. */
function readBlocks({ data, largeObject, end }: ArchiveVisitor) {
  let state: 'block' | 'object' | 'length' | 'body' = 'block'
  let id = 0
  let hasObjects = false
  let left = 0

  const readNumber = (bytes: Buffer, at: number): void => {
    if (state === 'block') {
      const type = bytes[at - 1]
      if (type !== dataBlock && type !== largeObjectsBlock) throw damaged(`a block of the unknown type ${type}`)
      hasObjects = type === largeObjectsBlock
      id = numberAt(bytes, at)
      state = hasObjects ? 'object' : 'length'
      return
    }
    const number = numberAt(bytes, at)
    if (state === 'object') {
      if (number === 0) end(id)
      else largeObject()
      state = number === 0 ? 'block' : 'length'
    } else if (number === 0) {
      if (!hasObjects) end(id)
      state = hasObjects ? 'object' : 'block'
    } else {
      if (number < 0) throw damaged(`a piece of ${number} bytes`)
      left = number
      state = 'body'
    }
  }
  const read = (bytes: Buffer, intSize: number): number => {
    let at = 0
    for (;;) {
      if (state === 'body') {
        const to = Math.min(bytes.length, at + left)
        if (!hasObjects) data(bytes, at, to)
        left -= to - at
        at = to
        if (left > 0) return at
        state = 'length'
      }
      const numberFrom = state === 'block' ? at + 1 : at
      if (numberFrom + 1 + intSize > bytes.length) return at
      readNumber(bytes, numberFrom)
      at = numberFrom + 1 + intSize
    }
  }
  return { read, isInBlock: () => state !== 'block' }
}

/** A number is a byte for its sign and then at least four bytes, the lowest first. No number in an archive needs more. */
function numberAt(bytes: Buffer, at: number): number {
  const byte = (offset: number) => bytes[at + offset] as number
  const number = byte(1) + byte(2) * 0x100 + byte(3) * 0x10000 + byte(4) * 0x1000000
  return byte(0) === 0 ? number : -number
}

const endOfBytes = Symbol('end of bytes')

/** Answers how many bytes `work` has read, or undefined where it needs more than there are. */
function attempt(bytes: Buffer, intSize: number | undefined, work: (cursor: Cursor) => void): number | undefined {
  const cursor = cursorOver(bytes, intSize ?? 0)
  try {
    work(cursor)
    return cursor.position()
  } catch (error) {
    if (error === endOfBytes) return undefined
    throw error
  }
}

type Cursor = ReturnType<typeof cursorOver>

function cursorOver(all: Buffer, intSize: number) {
  let position = 0
  const bytes = (length: number): Buffer => {
    if (position + length > all.length) throw endOfBytes
    position += length
    return all.subarray(position - length, position)
  }
  const cursor = {
    intSize,
    position: () => position,
    bytes,
    byte: (): number => bytes(1)[0] as number,
    int: (): number => numberAt(bytes(1 + cursor.intSize), 0),
    text: (): string | null => {
      const length = cursor.int()
      return length < 0 ? null : bytes(length).toString('utf8')
    },
  }
  return cursor
}

/** The error for an archive that is damaged or cut. */
export const damaged = (why: string): BackupError =>
  new BackupError('DUMP_FAILED', `the archive of pg_dump is not whole: ${why}`)
