import { BackupError } from '../../errors.ts'
import { type BsonValue, readBson } from './bson.ts'

/** One piece of an archive of mongodump. All pieces in their order are the whole archive. */
export type ArchivePiece =
  | { part: 'magic' | 'end'; bytes: Buffer }
  | { part: 'head' | 'collection' | 'namespace'; bytes: Buffer; fields: Record<string, BsonValue> }
  /** A document or a part of one. `begins` is false for every part but the first. */
  | { part: 'document'; bytes: Buffer; begins: boolean }

const magic = 0x8199e26d
const terminator = 0xffffffff
/** No server takes a document of more than 16 MiB, but a head that the tool writes may hold long lists of indexes. */
const largestDocument = 48 * 1024 * 1024

/**
 * Splits an archive into its pieces. The format is that of mongo-tools (its folder common/archive): a magic number, a head, a document
 * for each collection, an end, and then blocks that consist of a namespace, its documents and an end. The last block of a namespace says
 * so. `write` throws DUMP_FAILED where the bytes are no archive, `finish` where it is not whole.
 */
export function readArchive(visit: (piece: ArchivePiece) => void): { write(chunk: Buffer): void; finish(): void } {
  let next: 'magic' | 'head' | 'collection' | 'namespace' | 'document' = 'magic'
  let rest: Buffer = Buffer.alloc(0)
  /** The bytes of the current document that are still to come. */
  let missing = 0
  let isEmpty = true

  const take = (length: number): Buffer => {
    const bytes = rest.subarray(0, length)
    rest = rest.subarray(length)
    return bytes
  }
  /** Undefined where more bytes are needed. */
  const readPiece = (): ArchivePiece | undefined => {
    if (rest.length === 0) return undefined
    if (missing > 0) {
      const bytes = take(missing)
      missing -= bytes.length
      return { part: 'document', bytes, begins: false }
    }
    if (rest.length < 4) return undefined
    const number = rest.readUInt32LE(0)
    if (next === 'magic') {
      if (number !== magic) throw damaged('it does not begin like one')
      next = 'head'
      return { part: 'magic', bytes: take(4) }
    }
    if (number === terminator) {
      if (next !== 'collection' && next !== 'document') throw damaged('an end stands where none belongs')
      next = 'namespace'
      return { part: 'end', bytes: take(4) }
    }
    if (number < 5 || number > largestDocument) throw damaged(`a document of ${number} bytes`)
    if (next === 'document') {
      const bytes = take(number)
      missing = number - bytes.length
      return { part: 'document', bytes, begins: true }
    }
    if (rest.length < number) return undefined
    const part = next
    next = part === 'namespace' ? 'document' : 'collection'
    const bytes = take(number)
    return { part, bytes, fields: readBson(bytes) }
  }
  const write = (chunk: Buffer) => {
    isEmpty &&= chunk.length === 0
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let piece = readPiece(); piece; piece = readPiece()) visit(piece)
  }
  const finish = () => {
    if (isEmpty) throw new BackupError('DUMP_FAILED', 'the dump came out empty')
    if (next !== 'namespace' || rest.length > 0 || missing > 0) throw damaged('it ends in the middle')
  }
  return { write, finish }
}

/** The error for an archive that is damaged or cut. */
export const damaged = (why: string): BackupError =>
  new BackupError('DUMP_FAILED', `the archive of mongodump is not whole: ${why}`)
