import { BackupError } from '../../errors.ts'

export type BsonValue = string | number | boolean | null

/** Reads one BSON document of simple fields, as mongodump writes it into an archive. DUMP_FAILED for any other type. */
export function readBson(bytes: Buffer): Record<string, BsonValue> {
  const fields: Record<string, BsonValue> = {}
  let at = 4
  while (bytes[at] !== 0) {
    const type = bytes[at]
    const end = bytes.indexOf(0, at + 1)
    const name = bytes.toString('utf8', at + 1, end)
    const { value, length } = readValue(bytes, type, end + 1)
    fields[name] = value
    at = end + 1 + length
  }
  return fields
}

function readValue(bytes: Buffer, type: number | undefined, at: number): { value: BsonValue; length: number } {
  if (type === 0x01) return { value: bytes.readDoubleLE(at), length: 8 }
  if (type === 0x02) {
    const length = bytes.readInt32LE(at)
    return { value: bytes.toString('utf8', at + 4, at + 3 + length), length: 4 + length }
  }
  if (type === 0x08) return { value: bytes[at] === 1, length: 1 }
  if (type === 0x0a) return { value: null, length: 0 }
  if (type === 0x10) return { value: bytes.readInt32LE(at), length: 4 }
  if (type === 0x12) return { value: Number(bytes.readBigInt64LE(at)), length: 8 }
  throw new BackupError('DUMP_FAILED', `the archive of mongodump holds a field of type ${type} where none belongs`)
}
