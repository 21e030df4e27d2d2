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
  readdirSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { asBackupError, BackupError } from '../../errors.ts'
import { runChecked } from '../../lib/process.ts'
import { clearAttributes } from './attributes.ts'
import type { TreeEntry } from './entry.ts'
import { type MetadataWriter, metadataWriter } from './metadata.ts'
import type { TreeSummary } from './pack.ts'
import { pickPaths } from './pick.ts'
import { readTar, type TarMember } from './read-tar.ts'

export interface UnpackOptions {
  signal: AbortSignal
  /** Paths relative to the root of the tree; a directory brings all below it. */
  only?: string[]
}

/**
 * Puts a tar stream into the empty directory `to`, which takes owner, mode, times and attributes of the tree's root. A tree that is a
 * single file comes as a file in `to`. Never writes outside of it, nor through a symlink. Counts all entries, those not asked for too.
 */
export async function unpackTree(
  source: AsyncIterable<Uint8Array>,
  to: string,
  options: UnpackOptions,
): Promise<TreeSummary> {
  await prepareRoot(to, options.signal)
  const pick = pickPaths(options.only)
  const metadata = metadataWriter(to, options.signal)
  const folders = folderStack(to, metadata)
  const summary: TreeSummary = { entries: 0, contentBytes: 0 }
  try {
    for await (const member of readTar(source)) {
      options.signal.throwIfAborted()
      const entry = { ...member.entry, path: safePath(member.entry.path) }
      summary.entries++
      summary.contentBytes += entry.size
      if (pick.wants(entry)) await place({ ...member, entry }, folders, metadata, options)
    }
    await folders.leaveAll()
    await metadata.end()
  } catch (error) {
    await metadata.abandon()
    throw asBackupError(error, 'RESTORE_FAILED')
  }
  pick.proveFound()
  return summary
}

async function prepareRoot(to: string, signal: AbortSignal): Promise<void> {
  const stats = lstatSync(to, { throwIfNoEntry: false })
  if (!stats?.isDirectory()) throw new BackupError('RESTORE_REFUSED', `${to} is no directory`)
  if (readdirSync(to).length > 0) throw new BackupError('RESTORE_REFUSED', `${to} is not empty`)
  await clearAttributes(to, signal)
}

/** The path of an entry without slashes at its end. One that leads out of the tree is refused. */
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

interface FolderStack {
  /** Makes sure that the folders above `path` are real directories, and answers the absolute path of `path`. */
  enter(path: string): Promise<string>
  /** The absolute path of an entry that was written before; every folder above it is a real directory. */
  locate(path: string): string
  /** A directory of the archive, made or there already; its attributes are put on when all below it is written. */
  push(entry: TreeEntry): void
  leaveAll(): Promise<void>
}

interface OpenFolder {
  path: string
  entry?: TreeEntry
}

/** The directories on the way to the entry in hand; an archive comes depth first, so that one which is left is complete. */
function folderStack(to: string, metadata: MetadataWriter): FolderStack {
  const stack: OpenFolder[] = [{ path: '.' }]
  const absolute = (path: string) => (path === '.' ? to : `${to}/${path}`)
  const leave = async () => {
    const { path, entry } = stack.pop() as OpenFolder
    if (!entry) return
    lchownSync(absolute(path), entry.uid, entry.gid)
    chmodSync(absolute(path), entry.mode)
    await metadata.add(entry)
  }
  const top = () => (stack.at(-1) as OpenFolder).path
  return {
    enter: async (path) => {
      const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
      while (top() !== '.' && top() !== parent && !parent.startsWith(`${top()}/`)) await leave()
      while (top() !== parent) {
        const next = parent.indexOf('/', top() === '.' ? 0 : top().length + 1)
        const folder = next < 0 ? parent : parent.slice(0, next)
        makeFolder(absolute(folder))
        stack.push({ path: folder })
      }
      return absolute(path)
    },
    locate: (path) => {
      for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
        if (!lstatSync(absolute(path.slice(0, end))).isDirectory()) throw throughNoDirectory(path)
      }
      return absolute(path)
    },
    push: (entry) => {
      if (entry.path === '.') stack[0] = { path: '.', entry }
      else stack.push({ path: entry.path, entry })
    },
    leaveAll: async () => {
      while (stack.length > 0) await leave()
    },
  }
}

/** A folder that the archive has no entry for before what lies in it: foreign archives only. */
function makeFolder(absolute: string): void {
  const stats = lstatSync(absolute, { throwIfNoEntry: false })
  if (!stats) mkdirSync(absolute, 0o755)
  else if (!stats.isDirectory()) throw throughNoDirectory(absolute)
}

function throughNoDirectory(path: string): BackupError {
  return new BackupError('SNAPSHOT_DAMAGED', `the archive leads through something that is no directory: ${path}`)
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
      mkdirSync(absolute, 0o700)
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

/** The owner first: a change of owner takes setuid and capabilities away. */
async function writeFile({ entry, content }: TarMember, absolute: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(absolute, flags, 0o600)
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

/** Leaves out blocks of zeros, so that they become holes. Blocks are those of the file, wherever the piece begins. */
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

/** FIFOs and devices. */
async function makeNode(entry: TreeEntry, absolute: string, signal: AbortSignal): Promise<void> {
  const { major, minor } = entry.device ?? { major: 0, minor: 0 }
  const letter = entry.type === 'fifo' ? 'p' : entry.type === 'block-device' ? 'b' : 'c'
  const numbers = letter === 'p' ? [] : [String(major), String(minor)]
  await runChecked('mknod', ['--', absolute, letter, ...numbers], { signal })
  lchownSync(absolute, entry.uid, entry.gid)
  chmodSync(absolute, entry.mode)
}
