import { closeSync, constants, createReadStream, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import tarFs from 'tar-fs'
import tar from 'tar-stream'
import { BackupError } from '../../errors.ts'
import { readAttributes } from './attributes.ts'
import { type Attribute, splitDevice, type TreeEntry, typeOf } from './entry.ts'
import { BLOCK, END_OF_ARCHIVE, encodeExtendedHeader, encodeHeaders, fixedFields, padding } from './headers.ts'
import { type Found, folderOfPaths, notStill, readFailure, walkTree } from './walk.ts'

export interface PackOptions {
  signal: AbortSignal
  /** Glob patterns relative to the root. */
  exclude?: string[]
  /** Told of what cannot be kept, by name: a socket, a nested mount. */
  onWarning?: (text: string) => void
}

export interface TreeSummary {
  /** The root's own included. */
  entries: number
  /** Sum of the lengths of the files, each inode once. */
  contentBytes: number
}

/** Files up to this size are read at once into the block that is being filled; tar-fs streams the bigger ones. */
const SMALL_FILE_BYTES = 64 * 1024
const OUTPUT_BYTES = 256 * 1024
const READ_BYTES = 512 * 1024
/** Entries for which attributes are asked for at once; also bounded by the length of a command line. */
const BATCH_ENTRIES = 2000
const BATCH_PATH_BYTES = 512 * 1024

/**
 * A directory or a single file as a tar stream (POSIX pax format) that GNU tar --xattrs restores in full. Ends cleanly only when all
 * was read whole and did not change meanwhile: else NOT_STILL. `summary()` is valid once the stream has ended.
 * Memory does not grow with the tree, but for inodes with several names.
 */
export function packTree(root: string, options: PackOptions): Readable & { summary(): TreeSummary } {
  const summary: TreeSummary = { entries: 0, contentBytes: 0 }
  const stream = Readable.from(generate(root, options, summary), { objectMode: false, signal: options.signal })
  return Object.assign(stream, { summary: () => summary })
}

async function* generate(root: string, options: PackOptions, summary: TreeSummary): AsyncGenerator<Buffer> {
  const links = linkTable()
  const output = outputBlock()
  for await (const { found, attributes } of withAttributes(root, options)) {
    const entry = describe(found, links, attributes)
    summary.entries++
    summary.contentBytes += entry.size
    if (entry.size > SMALL_FILE_BYTES) {
      yield* output.take()
      yield* streamFile(found, entry)
      continue
    }
    const headers = encodeHeaders(entry)
    const needed = headers.length + entry.size + BLOCK
    if (needed > output.room()) yield* output.take()
    if (needed > OUTPUT_BYTES) yield headers
    else output.append(headers)
    if (entry.size > 0) output.fill(entry.size, (buffer, at) => readWhole(found, buffer, at, entry.size))
  }
  yield* output.take()
  yield END_OF_ARCHIVE
}

/** Collects small pieces into few buffers: each chunk costs every stage of the pipeline. */
function outputBlock() {
  let block = Buffer.allocUnsafe(OUTPUT_BYTES)
  let used = 0
  return {
    room: () => OUTPUT_BYTES - used,
    append: (bytes: Buffer) => {
      used += bytes.copy(block, used)
    },
    /** Content that `write` puts in place, padded to whole blocks. */
    fill: (size: number, write: (buffer: Buffer, at: number) => void) => {
      write(block, used)
      used += size + padding(size)
      block.fill(0, used - padding(size), used)
    },
    take: (): Buffer[] => {
      if (used === 0) return []
      const taken = block.subarray(0, used)
      block = Buffer.allocUnsafe(OUTPUT_BYTES)
      used = 0
      return [taken]
    },
  }
}

interface Attributed {
  found: Found
  attributes: Attribute[] | undefined
}

/** Reads the attributes of the next batch while the one before is being packed. */
async function* withAttributes(root: string, options: PackOptions): AsyncGenerator<Attributed> {
  const folder = folderOfPaths(root)
  const walk = walkTree(root, options)
  const load = async () => {
    options.signal.throwIfAborted()
    const batch = takeBatch(walk)
    const attributes = await readAttributes(
      folder,
      batch.map(({ path }) => path),
      options.signal,
    )
    return { batch, attributes }
  }
  let next = load()
  for (;;) {
    const { batch, attributes } = await next
    if (batch.length === 0) return
    next = load()
    next.catch(() => {}) // Awaited above, unless the consumer leaves before.
    for (const found of batch) yield { found, attributes: attributes.get(found.path) }
  }
}

function takeBatch(walk: Generator<Found, void, void>): Found[] {
  const batch: Found[] = []
  for (let bytes = 0; batch.length < BATCH_ENTRIES && bytes < BATCH_PATH_BYTES; ) {
    const { value } = walk.next()
    if (!value) break
    batch.push(value)
    bytes += value.path.length
  }
  return batch
}

/** Paths of inodes that have more than one name, each until its last name was seen. */
function linkTable() {
  const open = new Map<string, { path: string; left: bigint }>()
  /** The path under which the inode was seen before. */
  return ({ path, stats }: Found): string | undefined => {
    if (stats.nlink < 2n || stats.isDirectory()) return undefined
    const key = `${stats.dev}:${stats.ino}`
    const known = open.get(key)
    if (!known) return void open.set(key, { path, left: stats.nlink - 1n })
    known.left--
    if (known.left === 0n) open.delete(key)
    return known.path
  }
}

function describe(found: Found, links: ReturnType<typeof linkTable>, attributes: Attribute[] | undefined): TreeEntry {
  const { path, stats } = found
  const type = typeOf(stats)
  if (!type) throw new BackupError('TREE_UNSUPPORTED', `${found.absolute}: a file of a kind that no archive holds`)
  const base = {
    path,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    size: 0,
  }
  const linkname = links(found)
  if (linkname !== undefined) return { ...base, type: 'link', linkname }
  const entry: TreeEntry = { ...base, type, ...(attributes && { attributes }) }
  if (type === 'symlink') entry.linkname = readLink(found)
  if (type === 'character-device' || type === 'block-device') entry.device = splitDevice(stats.rdev)
  if (type === 'file') {
    entry.size = Number(stats.size)
    entry.sparse = stats.blocks * 512n < stats.size
  }
  return entry
}

function readLink(found: Found): string {
  try {
    const bytes = readlinkSync(found.absolute, 'buffer')
    const text = bytes.toString()
    if (Buffer.from(text).equals(bytes)) return text
  } catch (error) {
    throw readFailure(found.absolute, error)
  }
  throw new BackupError('TREE_UNSUPPORTED', `${found.absolute}: the symbolic link's text is not UTF-8`)
}

function readWhole(found: Found, into: Buffer, position: number, size: number): void {
  try {
    const descriptor = openSync(found.absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      for (let at = 0; at < size; ) {
        const count = readSync(descriptor, into, position + at, size - at, at)
        if (count === 0) throw notStill(found.absolute, 'shrank')
        at += count
      }
      proveUnchanged(found, fstatSync(descriptor, { bigint: true }))
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw readFailure(found.absolute, error)
  }
}

/** Header and content of one big file by tar-fs. The hooks give it our own header and the state that the walk saw. */
async function* streamFile(found: Found, entry: TreeEntry): AsyncGenerator<Buffer> {
  const fields = fixedFields(entry)
  const extended = encodeExtendedHeader(entry)
  if (extended.length > 0) yield extended
  const pack = tarFs.pack(dirname(found.absolute), {
    entries: [found.absolute.slice(found.absolute.lastIndexOf('/') + 1)],
    fs: {
      lstat: (_path: string, done: (error: null, stats: unknown) => void) => done(null, plainFile),
      createReadStream: (path: string, range: object) =>
        createReadStream(path, { ...range, flags: NO_FOLLOW, highWaterMark: READ_BYTES }),
    },
    map: () => ({
      ...fields,
      type: 'file',
      mode: fields.mode | constants.S_IFREG,
      mtime: new Date(fields.mtime * 1000),
    }),
    finalize: false,
    finish: (pack: tar.Pack) => pack.push(null),
    pack: tar.pack(),
  } as tarFs.PackOptions)
  try {
    yield* pack as AsyncIterable<Buffer>
    proveUnchanged(found, lstatSync(found.absolute, { bigint: true }))
  } catch (error) {
    if (error instanceof Error && error.message === 'Size mismatch') throw notStill(found.absolute, 'shrank')
    throw readFailure(found.absolute, error)
  }
}

/** All that tar-fs asks of a stat; the header is ours. */
const plainFile = { isSocket: () => false, isDirectory: () => false, isSymbolicLink: () => false, isFile: () => true }

/** The type wants text, Node takes both. */
const NO_FOLLOW = (constants.O_RDONLY | constants.O_NOFOLLOW) as unknown as string

/** A name given to the inode or taken from it changes ctime too, and nothing that is kept: databases share immutable files so. */
function proveUnchanged({ absolute, stats }: Found, now: Found['stats']): void {
  const same =
    now.ino === stats.ino &&
    now.dev === stats.dev &&
    now.size === stats.size &&
    now.mtimeNs === stats.mtimeNs &&
    (now.ctimeNs === stats.ctimeNs || now.nlink !== stats.nlink)
  if (!same) throw notStill(absolute, 'changed')
}
