import type { EntryType, TreeEntry } from './entry.ts'
import { BILLION, encodePax, MAX_ID, MAX_NAME_BYTES, MAX_SIZE, MAX_TIME_SECONDS } from './pax.ts'

export const BLOCK = 512
/** Two zero blocks. An archive without them was cut. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK)

const flags: Record<EntryType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}
const types = Object.fromEntries(Object.entries(flags).map(([type, flag]) => [flag, type as EntryType]))

/** Directories end with a slash and the root is `./`, as GNU tar writes them. */
function archiveName(entry: TreeEntry): string {
  return entry.type === 'directory' ? `${entry.path}/` : entry.path
}

/** Encodes the headers of an entry: the extended one where the fixed one cannot hold everything, then the fixed one. */
export function encodeHeaders(entry: TreeEntry): Buffer {
  const fields = fixedFields(entry)
  const extended = encodeExtended(entry, fields, BLOCK)
  writeHeader(extended, extended.length - BLOCK, fields, flags[entry.type])
  return extended
}

/** Encodes the extended header alone, for an entry whose fixed header tar-fs writes. It is empty where none is needed. */
export function encodeExtendedHeader(entry: TreeEntry): Buffer {
  return encodeExtended(entry, fixedFields(entry), 0)
}

/** Leaves `room` bytes of zeros after the header. */
function encodeExtended(entry: TreeEntry, fields: FixedFields, room: number): Buffer {
  const records = encodePax(entry, archiveName(entry))
  if (records.length === 0) return Buffer.alloc(room)
  const bytes = Buffer.alloc(BLOCK + records.length + padding(records.length) + room)
  writeHeader(bytes, 0, { ...fields, name: 'PaxHeader', linkname: '', size: records.length }, 'x')
  records.copy(bytes, BLOCK)
  return bytes
}

/** Number of bytes after a content of this size up to the next block. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

export interface FixedFields {
  name: string
  mode: number
  uid: number
  gid: number
  size: number
  /** Seconds since 1970. */
  mtime: number
  linkname: string
  devmajor: number
  devminor: number
}

/** What fits into a fixed header, clipped. Every header is made from this. */
export function fixedFields(entry: TreeEntry): FixedFields {
  const seconds = Number(entry.mtimeNs / BILLION)
  return {
    // A clipped name must not end with a slash by chance: readers take such an entry for a directory.
    name: entry.type === 'directory' ? clip(archiveName(entry)) : clip(entry.path).replace(/\/$/, '_'),
    mode: entry.mode,
    uid: Math.min(entry.uid, MAX_ID),
    gid: Math.min(entry.gid, MAX_ID),
    size: entry.size,
    mtime: Math.min(Math.max(seconds, 0), MAX_TIME_SECONDS),
    linkname: clip(entry.linkname ?? ''),
    devmajor: entry.device?.major ?? 0,
    devminor: entry.device?.minor ?? 0,
  }
}

function clip(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but NUL
  return text.slice(0, MAX_NAME_BYTES).replace(/[^\x01-\x7f]/g, '_')
}

function writeHeader(bytes: Buffer, at: number, fields: FixedFields, flag: string): void {
  const text = (value: string, offset: number) => bytes.write(value, at + offset, 'latin1')
  const octal = (value: number, offset: number, digits: number) => text(value.toString(8).padStart(digits, '0'), offset)
  text(fields.name, 0)
  octal(fields.mode & 0o7777, 100, 7)
  octal(fields.uid, 108, 7)
  octal(fields.gid, 116, 7)
  octal(Math.min(fields.size, MAX_SIZE), 124, 11)
  octal(fields.mtime, 136, 11)
  text(flag, 156)
  text(fields.linkname, 157)
  text('ustar\x0000', 257)
  octal(fields.devmajor, 329, 7)
  octal(fields.devminor, 337, 7)
  octal(checksum(bytes, at), 148, 6)
  bytes[at + 155] = 0x20
}

/** The sum of all bytes, where those of the sum itself count as spaces. */
function checksum(bytes: Buffer, start: number): number {
  let sum = 8 * 0x20
  for (let at = start; at < start + 148; at++) sum += bytes[at] as number
  for (let at = start + 156; at < start + BLOCK; at++) sum += bytes[at] as number
  return sum
}

/**
 * A fixed header as it was read. Where it heads no entry of the tree, `flag` says what follows: `x` is an extended header, and so
 * on.
 */
export interface DecodedHeader {
  flag: string
  type: EntryType | undefined
  entry: TreeEntry
}

/** Answers undefined for a block of zeros. Throws where the checksum is wrong. */
export function decodeHeader(block: Buffer): DecodedHeader | undefined {
  if (block[0] === 0 && block.equals(END_OF_ARCHIVE.subarray(0, BLOCK))) return undefined
  if (checksum(block, 0) !== readNumber(block, 148, 8)) throw new Error('tar: damaged header')
  const flag = block[156] === 0 || block[156] === 0x37 ? '0' : String.fromCharCode(block[156] as number)
  const name = readText(block, 0, 100)
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? readText(block, 345, 155) : ''
  const path = prefix === '' ? name : `${prefix}/${name}`
  const type = flag === '0' && path.endsWith('/') ? 'directory' : types[flag]
  const isDevice = type === 'character-device' || type === 'block-device'
  const linkname = type === 'link' || type === 'symlink' ? readText(block, 157, 100) : undefined
  const entry: TreeEntry = {
    path,
    type: type ?? 'file',
    mode: readNumber(block, 100, 8) & 0o7777,
    uid: readNumber(block, 108, 8),
    gid: readNumber(block, 116, 8),
    size: readNumber(block, 124, 12),
    mtimeNs: BigInt(readNumber(block, 136, 12)) * BILLION,
    ...(linkname !== undefined && { linkname }),
    ...(isDevice && { device: { major: readNumber(block, 329, 8), minor: readNumber(block, 337, 8) } }),
  }
  return { flag, type, entry }
}

function readText(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('utf8', at, end < 0 || end > at + length ? at + length : end)
}

const [SPACE, ZERO, SEVEN] = [0x20, 0x30, 0x37]

/** Reads octal text, or base 256 where the first bit is set. Seven calls a header, which is why it reads bytes and makes no text. */
function readNumber(block: Buffer, at: number, length: number): number {
  if ((block[at] as number) & 0x80) return readLargeNumber(block.subarray(at, at + length))
  let end = at + length
  while (end > at && (block[end - 1] === 0 || block[end - 1] === SPACE)) end--
  let start = at
  while (start < end && block[start] === SPACE) start++
  let value = 0
  for (let index = start; index < end; index++) {
    const digit = block[index] as number
    if (digit < ZERO || digit > SEVEN) throw new Error('tar: damaged header')
    value = value * 8 + (digit - ZERO)
  }
  return value
}

const readLargeNumber = (field: Buffer): number =>
  Number(BigInt.asUintN(64, BigInt(`0x${field.subarray(-8).toString('hex')}`)))
