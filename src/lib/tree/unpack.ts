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
import { basename } from 'node:path'
import { asBackupError, BackupError } from '../../errors.ts'
import { runChecked } from '../process.ts'
import { clearAttributes } from './attributes.ts'
import type { TreeEntry } from './entry.ts'
import { type FolderStack, folderStack, throughNoDirectory } from './folder-stack.ts'
import { type IdentifiedTree, identityHash } from './identity.ts'
import { type MetadataWriter, metadataWriter } from './metadata.ts'
import { type OpenRoot, openRoot, shownPath } from './open-root.ts'
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
 * tree of the stream, including the entries that were not asked for; `asked` is the digest of those that were.
 */
export async function unpackTree(
  source: AsyncIterable<Uint8Array>,
  to: string,
  options: UnpackOptions,
): Promise<IdentifiedTree & { asked: string }> {
  using tree = openRoot(to)
  const rewritten = existingFile(tree, to)
  if (options.only?.includes('.') ?? true) await clearAttributes(tree, rewritten ?? '.', options.signal)
  const pick = pickPaths(options.only)
  const metadata = metadataWriter(tree, options.signal)
  const unpacking = { ...options, to, tree, folders: folderStack(tree, metadata), metadata }
  const identity = identityHash()
  const asked = identityHash()
  let isAsked = false
  const onContent = (piece: Buffer) => {
    identity.content(piece)
    if (isAsked) asked.content(piece)
  }
  try {
    for await (const member of readTar(source, onContent)) {
      options.signal.throwIfAborted()
      const entry = { ...member.entry, path: safePath(member.entry.path) }
      identity.entry(entry)
      const wanted = pick.wants(entry)
      isAsked = options.only !== undefined && wanted === 'asked'
      if (isAsked) asked.entry(entry)
      if (!wanted || (wanted === 'way' && isDirectory(tree, entry.path))) continue
      if (rewritten === undefined) await place({ ...member, entry }, unpacking)
      else await rewrite({ ...member, entry: { ...entry, path: rewritten } }, unpacking)
    }
    await unpacking.folders.leaveAll()
    await metadata.end()
  } catch (error) {
    await metadata.abandon()
    throw explain(error, tree)
  }
  pick.proveFound()
  return { ...identity.end(), asked: asked.end().identity }
}

interface Unpacking extends UnpackOptions {
  to: string
  tree: OpenRoot
  folders: FolderStack
  metadata: MetadataWriter
}

/** An error of the system names the path by which this process reached the entry; the user knows another one. */
function explain(error: unknown, { shown }: OpenRoot): BackupError {
  const explained = asBackupError(error, 'RESTORE_FAILED')
  if (explained === error) return explained
  const message = explained.message.replaceAll(/\/proc\/self\/fd\/\d+/g, shown)
  return new BackupError(explained.code, message, { cause: error })
}

/** The name of a file that is to be rewritten; undefined for a directory. */
function existingFile(tree: OpenRoot, to: string): string | undefined {
  if (tree.kind === 'directory') return undefined
  const name = basename(to)
  if (lstatSync(tree.at(name)).isFile()) return name
  throw new BackupError('RESTORE_REFUSED', `${shownPath(to)} is neither a directory nor a file`)
}

/** A directory that merely leads to what was asked for, and is there, stays as it is. */
function isDirectory(tree: OpenRoot, path: string): boolean {
  try {
    return path === '.' || lstatSync(tree.at(path)).isDirectory()
  } catch {
    return false
  }
}

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

async function place(member: TarMember, unpacking: Unpacking): Promise<void> {
  const { entry } = member
  const { folders, metadata, signal } = unpacking
  if (entry.path === '.') {
    if (entry.type !== 'directory')
      throw new BackupError('SNAPSHOT_DAMAGED', 'the archive has no directory as its root')
    return folders.push(entry)
  }
  const absolute = await folders.enter(entry.path)
  switch (entry.type) {
    case 'directory':
      await makeDirectory(entry.path, absolute, unpacking)
      return folders.push(entry)
    case 'link':
      return linkFile(entry, absolute, unpacking)
    case 'file':
      await writeFile(member, absolute)
      return metadata.add(entry)
    case 'symlink':
      symlinkSync(entry.linkname ?? '', absolute)
      lchownSync(absolute, entry.uid, entry.gid)
      return metadata.add(entry)
    default:
      await makeNode(entry, absolute, signal)
      return metadata.add(entry)
  }
}

/** A directory that is there already, because something in it was to stay, loses its own attributes. */
async function makeDirectory(path: string, absolute: string, { tree, signal }: Unpacking): Promise<void> {
  try {
    mkdirSync(absolute, 0o700)
  } catch (error) {
    if (!lstatSync(absolute, { throwIfNoEntry: false })?.isDirectory()) throw error
    await clearAttributes(tree, path, signal)
  }
}

/** Writes into the file that is there: one that is mounted by itself must stay the same inode. */
async function rewrite(member: TarMember, { tree, metadata }: Unpacking): Promise<void> {
  const { path, type } = member.entry
  if (type !== 'file')
    throw new BackupError('RESTORE_REFUSED', `${tree.shown}/${path} is a file, the snapshot holds none`)
  await writeFile(member, tree.at(path), constants.O_TRUNC | constants.O_NONBLOCK)
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

function linkFile(entry: TreeEntry, absolute: string, { only, to }: Unpacking): void {
  const target = safePath(entry.linkname ?? '')
  // The two paths may lie in different folders, and an open root holds those of one path only.
  using targets = openRoot(to)
  try {
    linkSync(targets.at(target), absolute)
  } catch (error) {
    if (error instanceof BackupError && error.code === 'NOT_STILL') throw throughNoDirectory(target)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !only) throw error
    const message = `${entry.path} shares its content with ${target}, which was not asked for`
    throw new BackupError('RESTORE_REFUSED', message, { hint: `Add --only ${target}.`, cause: error })
  }
}

/** Makes a FIFO or a device. */
async function makeNode(entry: TreeEntry, absolute: string, signal: AbortSignal): Promise<void> {
  const { major, minor } = entry.device ?? { major: 0, minor: 0 }
  const letter = entry.type === 'fifo' ? 'p' : entry.type === 'block-device' ? 'b' : 'c'
  const numbers = letter === 'p' ? [] : [String(major), String(minor)]
  // The program reaches the folder by the descriptor of this process.
  const place = absolute.replace('/proc/self/', `/proc/${process.pid}/`)
  await runChecked('mknod', ['--', place, letter, ...numbers], { signal })
  lchownSync(absolute, entry.uid, entry.gid)
  setMode(absolute, entry.mode)
}

/** linux/fcntl.h. Node has no name for it. */
const O_PATH = 0o10000000

/** chmod(2) follows links, and a FIFO or device must not be opened to read. */
function setMode(absolute: string, mode: number): void {
  const descriptor = openSync(absolute, O_PATH | constants.O_NOFOLLOW)
  try {
    chmodSync(`/proc/self/fd/${descriptor}`, mode)
  } finally {
    closeSync(descriptor)
  }
}
