import { aclRecord } from './acl-text.ts'
import type { TreeEntry } from './entry.ts'

/**
 * Extended headers of the POSIX pax format: what the fixed header cannot hold, as `length key=value\n` records. Values are bytes:
 * attributes stand there as they are, under the keys that GNU tar --xattrs writes and restores. tar-stream writes and reads values
 * as UTF-8 text only, which is why this is not left to it.
 */
export type PaxRecords = Map<string, Buffer>

const XATTR = 'SCHILY.xattr.'
/** The format has a key for free text, which every tar ignores in silence. Here it marks files that had holes. */
const SPARSE_MARK = 'sparse'

/** The limits of the fixed header as tar-stream writes it: it clips ids at six digits and takes times for 32-bit numbers. */
export const MAX_NAME_BYTES = 100
export const MAX_ID = 0o777777
export const MAX_SIZE = 0o77777777777
export const MAX_TIME_SECONDS = 0x7fffffff

/** Encodes the records that an entry needs; most need none. `name` is its path as the archive writes it. */
export function encodePax(entry: TreeEntry, name: string): Buffer {
  let text = ''
  const add = (key: string, value: string) => {
    text += record(key, Buffer.byteLength(value), value)
  }
  if (needsPax(name)) add('path', name)
  if (entry.linkname !== undefined && needsPax(entry.linkname)) add('linkpath', entry.linkname)
  if (entry.size > MAX_SIZE) add('size', String(entry.size))
  if (entry.uid > MAX_ID) add('uid', String(entry.uid))
  if (entry.gid > MAX_ID) add('gid', String(entry.gid))
  const seconds = entry.mtimeNs / BILLION
  if (entry.mtimeNs % BILLION !== 0n || seconds < 0n || seconds > MAX_TIME_SECONDS) add('mtime', decimal(entry.mtimeNs))
  if (entry.sparse) add('comment', SPARSE_MARK)
  if (!entry.attributes) return Buffer.from(text)
  for (const attribute of entry.attributes) {
    const acl = aclRecord(attribute)
    if (acl) add(acl.key, acl.text)
  }
  const attributes = entry.attributes.map(encodeAttribute)
  return Buffer.concat([Buffer.from(text), ...attributes])
}

/** ASCII text that fits into the fixed header needs no record. */
function needsPax(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but NUL
  return text.length > MAX_NAME_BYTES || !/^[\x01-\x7f]*$/.test(text)
}

function encodeAttribute([name, value]: [string, Buffer]): Buffer {
  const key = XATTR + name.replace(/[%=]/g, (character) => (character === '%' ? '%25' : '%3D'))
  const head = record(key, value.length, '')
  return Buffer.concat([Buffer.from(head.slice(0, -1)), value, Buffer.from('\n')])
}

/** The length at the beginning of a record counts the whole record, its own digits included. */
function record(key: string, valueBytes: number, value: string): string {
  const rest = Buffer.byteLength(key) + valueBytes + 3
  let digits = String(rest).length
  if (String(rest + digits).length > digits) digits++
  return `${rest + digits} ${key}=${value}\n`
}

export function decodePax(data: Buffer): PaxRecords {
  const records: PaxRecords = new Map()
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(data.toString('latin1', at, space))
    const equals = data.indexOf(0x3d, space)
    const end = at + length
    if (!(length > 0) || end > data.length || equals < 0 || equals >= end || data[end - 1] !== 0x0a) {
      throw new Error('tar: damaged extended header')
    }
    records.set(data.toString('utf8', space + 1, equals), data.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

/** Completes the entry of a fixed header by its records. */
export function applyPax(entry: TreeEntry, records: PaxRecords): TreeEntry {
  const text = (key: string) => records.get(key)?.toString()
  const number = (key: string, otherwise: number) => (records.has(key) ? Number(text(key)) : otherwise)
  const linkname = text('linkpath') ?? entry.linkname
  const mtime = text('mtime')
  const attributes = [...records].filter(([key]) => key.startsWith(XATTR))
  return {
    ...entry,
    path: text('path') ?? entry.path,
    ...(linkname !== undefined && { linkname }),
    size: number('size', entry.size),
    uid: number('uid', entry.uid),
    gid: number('gid', entry.gid),
    mtimeNs: mtime === undefined ? entry.mtimeNs : parseDecimal(mtime),
    sparse: text('comment') === SPARSE_MARK,
    attributes: attributes.map(([key, value]) => [decodeName(key.slice(XATTR.length)), Buffer.from(value)]),
  }
}

function decodeName(name: string): string {
  return name.replaceAll('%3D', '=').replaceAll('%25', '%')
}

export const BILLION = 1_000_000_000n

/** Writes nanoseconds as decimal seconds: `-1.5` is one and a half seconds before 1970. */
function decimal(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = String(size % BILLION)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${nanoseconds < 0n ? '-' : ''}${size / BILLION}${fraction && `.${fraction}`}`
}

function parseDecimal(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text)
  if (!match) throw new Error(`tar: damaged time ${text}`)
  const size = BigInt(match[2] as string) * BILLION + BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  return match[1] ? -size : size
}
