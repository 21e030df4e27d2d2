import { createHash } from 'node:crypto'
import { closeSync, readSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { longSeconds } from '../../lib/deadline.ts'
import type { Digest } from '../../lib/hash.ts'
import { runChecked } from '../../lib/process.ts'
import { ProgramFailure } from '../../lib/program-failure.ts'
import { openPipe } from '../../lib/waiting-pipe.ts'
import { type Shelf, zstdArguments } from './compress.ts'

export interface PiecesOptions extends Shelf {
  file: string
  signal: AbortSignal
  /** Is told of the plain bytes since the last call. */
  onBytes?: ((count: number) => void) | undefined
}

/**
 * Does what `compress` does with pieces that are each valid until the next one is asked for, in a process that has nothing else to do, in
 * less time. Node neither holds nor passes on the compressed bytes: zstd reads a pipe, in which a write waits until there is room, and
 * writes the file, which is hashed from the memory of the file system while it grows.
 */
export async function compressPieces(
  pieces: AsyncIterable<Buffer>,
  { folder, level, file, signal, onBytes }: PiecesOptions,
): Promise<Digest> {
  await using sink = await open(join(folder, file), 'wx+', 0o600)
  const pipe = await openPipe(signal)
  const how = { signal, stdin: pipe.reader, stdout: sink.fd, timeoutSeconds: longSeconds }
  const compressed = runChecked('zstd', zstdArguments(level), how)
  closeSync(pipe.reader)
  const stored = hashOf(sink.fd)
  const feed = async () => {
    try {
      for await (const piece of pieces) {
        for (let at = 0; at < piece.length; ) at += writeSync(pipe.writer, piece, at)
        onBytes?.(piece.length)
        stored.readOn()
        await nextTurn()
        signal.throwIfAborted()
      }
    } finally {
      closeSync(pipe.writer)
    }
  }
  const [fed, ended] = await Promise.allSettled([feed(), compressed])
  if (fed.status === 'rejected' && (fed.reason as NodeJS.ErrnoException).code !== 'EPIPE') throw fed.reason
  if (ended.status === 'rejected') throw explainFull(ended.reason)
  if (fed.status === 'rejected') throw fed.reason
  stored.readOn()
  await sink.sync()
  return stored.digest()
}

const READ_BYTES = 512 * 1024

/** Hashes a file that grows. */
function hashOf(descriptor: number) {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  let bytes = 0
  return {
    /** Hashes what has come since. */
    readOn: () => {
      for (let count = READ_BYTES; count === READ_BYTES; ) {
        count = readSync(descriptor, buffer, 0, READ_BYTES, bytes)
        hash.update(buffer.subarray(0, count))
        bytes += count
      }
    },
    digest: (): Digest => ({ bytes, sha256: hash.digest('hex') }),
  }
}

/** zstd says in words that a disk is full. */
function explainFull(error: unknown): unknown {
  const isFull = error instanceof ProgramFailure && /no space left on device|disk quota exceeded/i.test(error.lines)
  return isFull ? Object.assign(new Error(error.message, { cause: error }), { code: 'ENOSPC' }) : error
}
