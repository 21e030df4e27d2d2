import { constants, lstatSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import tarFs from 'tar-fs'
import tar from 'tar-stream'
import { type EntryOptions, entriesOf, type FoundEntry } from './entries.ts'
import type { TreeEntry } from './entry.ts'
import { BLOCK, END_OF_ARCHIVE, encodeExtendedHeader, encodeHeaders, fixedFields, padding } from './headers.ts'
import { type IdentifiedTree, type IdentityHash, identityHash } from './identity.ts'
import { proveUnchanged, READ_FLAGS, readWhole, SMALL_FILE_BYTES } from './read-file.ts'
import { notStill, readFailure } from './walk.ts'

const OUTPUT_BYTES = 256 * 1024
const READ_BYTES = 512 * 1024

/** The pieces of a tar stream. `summary()` MUST be called only after the last one. */
export interface PackedTree extends AsyncIterable<Buffer> {
  summary(): IdentifiedTree
}

/**
 * A directory or a single file as a tar stream (POSIX pax format) that GNU tar --xattrs restores in full. It ends cleanly only when
 * all was read whole and did not change meanwhile; else it fails with NOT_STILL. The digest of the tree is computed from the same
 * bytes. Memory does not grow with the tree, but for inodes with several names.
 */
export function packTree(root: string, options: EntryOptions): Readable & PackedTree {
  const packed = packPieces(root, options)
  const stream = Readable.from(copiesOf(packed), { objectMode: false, signal: options.signal })
  return Object.assign(stream, { summary: packed.summary })
}

/** The same, each piece valid until the next one is asked for: new memory for each costs as much as the reading. */
export function packPieces(root: string, options: EntryOptions): PackedTree {
  const identity = identityHash()
  let summary: IdentifiedTree | undefined
  return {
    [Symbol.asyncIterator]: () => generate(root, options, identity),
    summary: () => {
      summary ??= identity.end()
      return summary
    },
  }
}

async function* copiesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

async function* generate(root: string, options: EntryOptions, identity: IdentityHash): AsyncGenerator<Buffer> {
  const output = outputBlock()
  const buffers = bufferPool()
  for await (const { tree, found, entry } of entriesOf(root, options)) {
    identity.entry(entry)
    if (entry.size > SMALL_FILE_BYTES) {
      yield* output.take()
      yield* streamFile({ tree, found, entry }, identity, buffers)
      continue
    }
    const headers = encodeHeaders(entry)
    const needed = headers.length + entry.size + BLOCK
    if (needed > output.room()) yield* output.take()
    if (needed > OUTPUT_BYTES) yield headers
    else output.append(headers)
    if (entry.size === 0) continue
    const content = output.fill(entry.size, (buffer, at) => readWhole(tree, found, buffer, at, entry.size))
    identity.content(content)
  }
  yield* output.take()
  yield END_OF_ARCHIVE
}

/** Collects small pieces into few buffers: each chunk costs every stage of the pipeline. */
function outputBlock() {
  const block = Buffer.allocUnsafe(OUTPUT_BYTES)
  let used = 0
  return {
    room: () => OUTPUT_BYTES - used,
    append: (bytes: Buffer) => {
      used += bytes.copy(block, used)
    },
    /** Answers the content that `write` has put in place; the block goes on after its padding. */
    fill: (size: number, write: (buffer: Buffer, at: number) => void): Buffer => {
      write(block, used)
      const content = block.subarray(used, used + size)
      used += size + padding(size)
      block.fill(0, used - padding(size), used)
      return content
    },
    take: (): Buffer[] => {
      if (used === 0) return []
      const taken = block.subarray(0, used)
      used = 0
      return [taken]
    },
  }
}

/** Memory that is read into again when the piece in it is needed no more. */
function bufferPool() {
  const free: ArrayBufferLike[] = []
  return {
    take: (): Buffer => Buffer.from(free.pop() ?? new ArrayBuffer(READ_BYTES)),
    giveBack: ({ buffer }: Buffer): void => {
      if (buffer.byteLength === READ_BYTES) free.push(buffer)
    },
  }
}

type BufferPool = ReturnType<typeof bufferPool>

/** Header and content of one big file by tar-fs. The hooks give it our own header and the state that the walk saw. */
async function* streamFile(
  { tree, found, entry }: FoundEntry,
  identity: IdentityHash,
  buffers: BufferPool,
): AsyncGenerator<Buffer> {
  const extended = encodeExtendedHeader(entry)
  if (extended.length > 0) yield extended
  // The fixed header is one block; the content follows it, and then the padding.
  let position = -BLOCK
  try {
    for await (const piece of tarOfFile(tree.at(found.path), entry, buffers)) {
      const [start, end] = [Math.max(-position, 0), Math.max(entry.size - position, 0)]
      identity.content(piece.subarray(start, end))
      position += piece.length
      yield piece
      buffers.giveBack(piece)
    }
    proveUnchanged(found, lstatSync(tree.at(found.path), { bigint: true }))
  } catch (error) {
    if (error instanceof Error && error.message === 'Size mismatch') throw notStill(found.shown, 'shrank')
    throw readFailure(found.shown, error)
  }
}

function tarOfFile(absolute: string, entry: TreeEntry, buffers: BufferPool): AsyncIterable<Buffer> {
  const fields = fixedFields(entry)
  return tarFs.pack(dirname(absolute), {
    entries: [absolute.slice(absolute.lastIndexOf('/') + 1)],
    fs: {
      lstat: (_path: string, done: (error: null, stats: unknown) => void) => done(null, plainFile),
      createReadStream: (path: string, { end }: { end: number }) => Readable.from(readInto(path, end + 1, buffers)),
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
  } as tarFs.PackOptions) as AsyncIterable<Buffer>
}

/** The first bytes of a file, in memory of the pool. */
async function* readInto(path: string, bytes: number, buffers: BufferPool): AsyncGenerator<Buffer> {
  await using file = await open(path, READ_FLAGS)
  for (let left = bytes; left > 0; ) {
    const buffer = buffers.take()
    const { bytesRead } = await file.read(buffer, 0, Math.min(left, READ_BYTES))
    if (bytesRead === 0) return
    left -= bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** All that tar-fs asks of a stat; the header is ours. */
const plainFile = { isSocket: () => false, isDirectory: () => false, isSymbolicLink: () => false, isFile: () => true }
