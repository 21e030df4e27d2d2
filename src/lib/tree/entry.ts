import type { BigIntStats } from 'node:fs'

export type EntryType = 'file' | 'link' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo'

/** One entry of a tree as the archive holds it. */
export interface TreeEntry {
  /** The path relative to the root of the tree, without a slash at its end; `.` is the root itself. */
  path: string
  type: EntryType
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Length of the content in bytes; 0 for everything but files. */
  size: number
  /** Nanoseconds since 1970. It may be negative. */
  mtimeNs: bigint
  /** The text of a symlink; for a link the path of the entry with which it shares its inode. */
  linkname?: string
  device?: { major: number; minor: number }
  /** True when the file had holes: its blocks of zeros become holes again. It does not belong to the identity of the tree. */
  sparse?: boolean
  attributes?: Attribute[]
}

/** An extended attribute, ACL or file capability: name with namespace, value as the kernel gives it. */
export type Attribute = [name: string, value: Buffer]

/** Splits a device number as makedev(3) of glibc packs it. */
export function splitDevice(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}

/** Answers the type of a file as the archive names it, or undefined for a socket, which no archive holds. */
export function typeOf(stats: BigIntStats): EntryType | undefined {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice()) return 'character-device'
  if (stats.isBlockDevice()) return 'block-device'
  return undefined
}
