import type { BigIntStats } from 'node:fs'

export type EntryType = 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo'

/** One entry of a tree as the archive holds it. */
export interface TreeEntry {
  /** Relative to the root of the tree, `.` for the root itself; no trailing slash. */
  path: string
  type: EntryType
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Bytes of content that follow the header; 0 for all but files. */
  size: number
  /** Nanoseconds since 1970; may be negative. */
  mtimeNs: bigint
  /** Of a symlink: its text. Of a link: the path of the entry that it shares its inode with. */
  linkname?: string
  device?: { major: number; minor: number }
  /** The file had holes: its zero blocks become holes again. */
  sparse?: boolean
  attributes?: Attribute[]
}

/** An extended attribute, ACL or file capability: name with namespace, value as the kernel gives it. */
export type Attribute = [name: string, value: Buffer]

/** Device numbers as glibc's makedev(3) packs them. */
export function splitDevice(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}

/** The type of a file as the archive names it; undefined for a socket, which no archive holds. */
export function typeOf(stats: BigIntStats): EntryType | undefined {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice()) return 'character-device'
  if (stats.isBlockDevice()) return 'block-device'
  return undefined
}
