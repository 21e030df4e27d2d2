import type { EntryType, TreeEntry } from './entry.ts'
import { BILLION, encodePax, MAX_ID, MAX_NAME_BYTES, MAX_SIZE, MAX_TIME_SECONDS } from './pax.ts'

export const BLOCK = 512
/** Two zero blocks: without them an archive is cut. */
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

/** Directories end with a slash, the root is `./`: as GNU tar writes them. */
function archiveName(entry: TreeEntry): string {
  return entry.type === 'directory' ? `${entry.path}/` : entry.path
}

/** The extended header of an entry, padded to whole blocks; empty where the fixed header says it all. */
export function encodeExtendedHeader(entry: TreeEntry): Buffer {
  const records = encodePax(entry, archiveName(entry))
  if (records.length === 0) return records
  const header = writeHeader({ ...fixedFields(entry), name: 'PaxHeader', linkname: '', size: records.length }, 'x')
  return Buffer.concat([header, records, Buffer.alloc(padding(records.length))])
}

/** The fixed header of an entry. Whatever does not fit stands in the extended header. */
export function encodeFixedHeader(entry: TreeEntry): Buffer {
  return writeHeader(fixedFields(entry), flags[entry.type])
}

/** Bytes after a content of this size up to the next block. */
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

/** What fits of an entry, clipped: the source of every header. */
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

function writeHeader(fields: FixedFields, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(fields.name, 0, 'latin1')
  writeOctal(block, fields.mode & 0o7777, 100, 7)
  writeOctal(block, fields.uid, 108, 7)
  writeOctal(block, fields.gid, 116, 7)
  writeOctal(block, Math.min(fields.size, MAX_SIZE), 124, 11)
  writeOctal(block, fields.mtime, 136, 11)
  block.write(flag, 156, 'latin1')
  block.write(fields.linkname, 157, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  writeOctal(block, fields.devmajor, 329, 7)
  writeOctal(block, fields.devminor, 337, 7)
  writeOctal(block, checksum(block), 148, 6)
  block[155] = 0x20
  return block
}

function writeOctal(block: Buffer, value: number, at: number, digits: number): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
}

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (let at = 0; at < 148; at++) sum += block[at] as number
  for (let at = 156; at < BLOCK; at++) sum += block[at] as number
  return sum
}

/** A fixed header as read. `flag` says what it heads where that is no entry of the tree: `x` an extended header, and so on. */
export interface DecodedHeader {
  flag: string
  type: EntryType | undefined
  entry: TreeEntry
}

/** Undefined for a block of zeros. Throws where the checksum is wrong. */
export function decodeHeader(block: Buffer): DecodedHeader | undefined {
  if (block[0] === 0 && block.equals(END_OF_ARCHIVE.subarray(0, BLOCK))) return undefined
  if (checksum(block) !== readNumber(block, 148, 8)) throw new Error('tar: damaged header')
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

/** Octal text, or base 256 where the first bit is set. */
function readNumber(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length)
  if ((field[0] as number) & 0x80) return Number(BigInt.asUintN(64, BigInt(`0x${field.subarray(-8).toString('hex')}`)))
  const text = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim()
  if (!/^[0-7]*$/.test(text)) throw new Error('tar: damaged header')
  return text === '' ? 0 : Number.parseInt(text, 8)
}
