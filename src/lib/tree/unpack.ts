import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asBackupError, BackupError } from '../../errors.ts'
import { runChecked } from '../process.ts'
import { clearAttributes } from './attributes.ts'
import type { TreeEntry } from './entry.ts'
import { type FolderStack, folderStack } from './folder-stack.ts'
import { type IdentifiedTree, identityHash } from './identity.ts'
import { type MetadataWriter, metadataWriter } from './metadata.ts'
import { pickPaths } from './pick.ts'
import { readTar, type TarMember } from './read-tar.ts'

export interface UnpackOptions {
  signal: AbortSignal
  /** Paths relative to the root of the tree. A directory brings all below it. Absent: all. */
  only?: string[]
}

/**
 * Puts a tar stream into the directory `to`, which takes owner, mode, times and attributes of the tree's root. What lies there stays,
 * but a name that is taken by anything else than a directory is an error. A tree that is a single file comes as a file in `to`, or
 * rewrites `to` in place where that is a file. It never writes outside of `to`, nor through a symlink. The answer describes the whole
 * tree of the stream, including the entries that were not asked for.
 */
export async function unpackTree(
  source: AsyncIterable<Uint8Array>,
  to: string,
  options: UnpackOptions,
): Promise<IdentifiedTree> {
  const rewritten = existingFile(to)
  const root = rewritten === undefined ? to : dirname(to)
  if (!options.only) await clearAttributes(to, options.signal)
  const pick = pickPaths(options.only)
  const metadata = metadataWriter(root, options.signal)
  const folders = folderStack(root, metadata)
  const identity = identityHash()
  try {
    for await (const member of readTar(source, identity.content)) {
      options.signal.throwIfAborted()
      const entry = { ...member.entry, path: safePath(member.entry.path) }
      identity.entry(entry)
      const wanted = pick.wants(entry)
      if (!wanted || (wanted === 'way' && isDirectory(root, entry.path))) continue
      if (rewritten === undefined) await place({ ...member, entry }, folders, metadata, options)
      else await rewrite({ ...member, entry: { ...entry, path: rewritten } }, to, metadata)
    }
    await folders.leaveAll()
    await metadata.end()
  } catch (error) {
    await metadata.abandon()
    throw asBackupError(error, 'RESTORE_FAILED')
  }
  pick.proveFound()
  return identity.end()
}

/** Answers the name of a file that is to be rewritten, or undefined for a directory. */
function existingFile(to: string): string | undefined {
  const stats = lstatSync(to, { throwIfNoEntry: false })
  if (stats?.isDirectory()) return undefined
  if (stats?.isFile()) return basename(to)
  throw new BackupError('RESTORE_REFUSED', `${to} is neither a directory nor a file`)
}

/** A directory that only leads to what was asked for stays as it is where it exists. */
const isDirectory = (root: string, path: string): boolean =>
  lstatSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() ?? false

/** Answers the path of an entry without slashes at its end. Throws SNAPSHOT_DAMAGED for one that leads out of the tree. */
function safePath(path: string): string {
  const parts = path
    .replace(/^(\.\/)+/, '')
    .replace(/\/+$/, '')
    .split('/')
  if (parts.length === 1 && (parts[0] === '' || parts[0] === '.') && !path.startsWith('/')) return '.'
  const isOdd = parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))
  if (isOdd) throw new BackupError('SNAPSHOT_DAMAGED', `the archive names ${JSON.stringify(path)}, outside of its tree`)
  return parts.join('/')
}

async function place(
  member: TarMember,
  folders: FolderStack,
  metadata: MetadataWriter,
  options: UnpackOptions,
): Promise<void> {
  const { entry } = member
  if (entry.path === '.') {
    if (entry.type !== 'directory')
      throw new BackupError('SNAPSHOT_DAMAGED', 'the archive has no directory as its root')
    return folders.push(entry)
  }
  const absolute = await folders.enter(entry.path)
  switch (entry.type) {
    case 'directory':
      await makeDirectory(absolute, options.signal)
      return folders.push(entry)
    case 'link':
      return linkFile(entry, absolute, folders, options)
    case 'file':
      await writeFile(member, absolute)
      return metadata.add(entry)
    case 'symlink':
      symlinkSync(entry.linkname ?? '', absolute)
      lchownSync(absolute, entry.uid, entry.gid)
      return metadata.add(entry)
    default:
      await makeNode(entry, absolute, options.signal)
      return metadata.add(entry)
  }
}

/** A directory that is there already, because something in it was to stay, loses its own attributes. */
async function makeDirectory(absolute: string, signal: AbortSignal): Promise<void> {
  try {
    mkdirSync(absolute, 0o700)
  } catch (error) {
    if (!lstatSync(absolute, { throwIfNoEntry: false })?.isDirectory()) throw error
    await clearAttributes(absolute, signal)
  }
}

/** Writes into the file that is there: one that is mounted by itself must stay the same inode. */
async function rewrite(member: TarMember, absolute: string, metadata: MetadataWriter): Promise<void> {
  if (member.entry.type !== 'file')
    throw new BackupError('RESTORE_REFUSED', `${absolute} is a file, the snapshot holds none`)
  await writeFile(member, absolute, constants.O_TRUNC)
  await metadata.add(member.entry)
}

/** It sets the owner before the mode: a change of owner takes setuid and capabilities away. */
async function writeFile(
  { entry, content }: TarMember,
  absolute: string,
  how = constants.O_CREAT | constants.O_EXCL,
): Promise<void> {
  const descriptor = openSync(absolute, constants.O_WRONLY | constants.O_NOFOLLOW | how, 0o600)
  try {
    let at = 0
    for await (const piece of content()) {
      if (entry.sparse) writeDense(descriptor, piece, at)
      else writeAll(descriptor, piece, at)
      at += piece.length
    }
    if (entry.sparse) ftruncateSync(descriptor, entry.size)
    fchownSync(descriptor, entry.uid, entry.gid)
    fchmodSync(descriptor, entry.mode)
  } finally {
    closeSync(descriptor)
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, position + at)
}

const HOLE = Buffer.alloc(4096)

/** Leaves out blocks of zeros, so that they become holes. The blocks are those of the file, wherever the piece begins. */
function writeDense(descriptor: number, piece: Buffer, position: number): void {
  let start = 0
  for (let at = 0; at < piece.length; ) {
    const end = Math.min(piece.length, at + HOLE.length - ((position + at) % HOLE.length))
    if (piece[at] === 0 && piece.compare(HOLE, 0, end - at, at, end) === 0) {
      if (start < at) writeAll(descriptor, piece.subarray(start, at), position + start)
      start = end
    }
    at = end
  }
  if (start < piece.length) writeAll(descriptor, piece.subarray(start), position + start)
}

function linkFile(entry: TreeEntry, absolute: string, folders: FolderStack, options: UnpackOptions): void {
  const target = safePath(entry.linkname ?? '')
  try {
    linkSync(folders.locate(target), absolute)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !options.only) throw error
    const message = `${entry.path} shares its content with ${target}, which was not asked for`
    throw new BackupError('RESTORE_REFUSED', message, { hint: `Add --only ${target}.`, cause: error })
  }
}

/** Makes a FIFO or a device. */
async function makeNode(entry: TreeEntry, absolute: string, signal: AbortSignal): Promise<void> {
  const { major, minor } = entry.device ?? { major: 0, minor: 0 }
  const letter = entry.type === 'fifo' ? 'p' : entry.type === 'block-device' ? 'b' : 'c'
  const numbers = letter === 'p' ? [] : [String(major), String(minor)]
  await runChecked('mknod', ['--', absolute, letter, ...numbers], { signal })
  lchownSync(absolute, entry.uid, entry.gid)
  chmodSync(absolute, entry.mode)
}
