import { BackupError } from '../../errors.ts'
import type { TreeEntry } from './entry.ts'
import { BLOCK, decodeHeader, padding } from './headers.ts'
import { applyPax, decodePax, type PaxRecords } from './pax.ts'

export interface TarMember {
  entry: TreeEntry
  /** The content in pieces. It can be read once, before the next member is asked for; what is left unread is skipped. */
  content(): AsyncGenerator<Buffer, void, void>
}

const MAX_EXTENDED_BYTES = 64 * 1024 * 1024

/**
 * The members of a tar stream, POSIX pax or GNU. It ends cleanly only after the end mark, with the source read to its end. `onContent`
 * is told of every piece of content after its member was given, also of what is skipped. tar-stream's own reader takes an archive that
 * was cut between two members for a whole one, and reads attributes as text.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  onContent: (piece: Buffer) => void = () => {},
): AsyncGenerator<TarMember, void, void> {
  const input = byteReader(source)
  let records: PaxRecords = new Map()
  try {
    for (;;) {
      const header = decodeHeader(await input.read(BLOCK))
      if (!header) return await readEnd(input)
      const { flag, type, entry } = header
      if (type) {
        if (records.has('GNU.sparse.major')) throw damaged("a sparse file in GNU's own format")
        const member = applyPax(entry, records)
        records = new Map()
        yield* readMember(input, type === 'file' ? member : { ...member, size: 0 }, onContent)
      } else readExtension(flag, await readExtended(input, entry.size), records)
    }
  } finally {
    await input.close()
  }
}

async function* readMember(
  input: ByteReader,
  entry: TreeEntry,
  onContent: (piece: Buffer) => void,
): AsyncGenerator<TarMember, void, void> {
  let left = entry.size
  async function* content() {
    while (left > 0) {
      const piece = await input.readSome(left)
      left -= piece.length
      onContent(piece)
      yield piece
    }
  }
  yield { entry, content }
  for await (const _piece of content()) {
    // Skipped.
  }
  await input.read(padding(entry.size))
}

async function readExtended(input: ByteReader, size: number): Promise<Buffer> {
  if (size > MAX_EXTENDED_BYTES) throw damaged(`an extended header of ${size} bytes`)
  const data = await input.read(size)
  await input.read(padding(size))
  return data
}

/** Headers that describe the member after them. */
function readExtension(flag: string, data: Buffer, records: PaxRecords): void {
  const text = () => data.subarray(0, data.indexOf(0) < 0 ? data.length : data.indexOf(0))
  if (flag === 'x') for (const [key, value] of decodePax(data)) records.set(key, value)
  else if (flag === 'L') records.set('path', text())
  else if (flag === 'K') records.set('linkpath', text())
  else if (flag !== 'g') throw damaged(`a member of the unknown kind ${JSON.stringify(flag)}`)
}

/** One zero block was read; the second must follow, and nothing but zeros after it. */
async function readEnd(input: ByteReader): Promise<void> {
  const isZero = (piece: Buffer) => piece.every((byte) => byte === 0)
  if (!isZero(await input.read(BLOCK))) throw damaged('data after its end mark')
  for (let piece = await input.readAny(); piece; piece = await input.readAny()) {
    if (!isZero(piece)) throw damaged('data after its end mark')
  }
}

type ByteReader = ReturnType<typeof byteReader>

/** Exact lengths out of a stream of chunks, without copying where a chunk holds them. */
function byteReader(source: AsyncIterable<Uint8Array>) {
  const chunks = source[Symbol.asyncIterator]()
  let chunk: Buffer = Buffer.alloc(0)

  const readAny = async (): Promise<Buffer | undefined> => {
    if (chunk.length > 0) return takeUpTo(chunk.length)
    const { value, done } = await chunks.next()
    return done ? undefined : asBuffer(value)
  }
  const takeUpTo = (bytes: number): Buffer => {
    const taken = chunk.subarray(0, bytes)
    chunk = chunk.subarray(bytes)
    return taken
  }
  /** Between one byte and `limit` bytes. */
  const readSome = async (limit: number): Promise<Buffer> => {
    while (chunk.length === 0) {
      const next = await readAny()
      if (!next) throw damaged('no end mark: it was cut')
      chunk = next
    }
    return takeUpTo(limit)
  }
  const read = async (bytes: number): Promise<Buffer> => {
    if (chunk.length >= bytes) return takeUpTo(bytes)
    const pieces: Buffer[] = []
    for (let left = bytes; left > 0; left -= (pieces.at(-1) as Buffer).length) pieces.push(await readSome(left))
    return Buffer.concat(pieces)
  }
  /** A source that is left before its end has nothing more to say. */
  const close = async (): Promise<void> => {
    await chunks.return?.().catch(() => {})
  }
  return { read, readSome, readAny, close }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function damaged(what: string): BackupError {
  return new BackupError('SNAPSHOT_DAMAGED', `the archive has ${what}`)
}
