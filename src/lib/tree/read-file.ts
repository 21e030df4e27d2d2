import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { OpenRoot } from './open-root.ts'
import { type Found, notStill, readFailure } from './walk.ts'

/** Files up to this size are read at once, without giving others their turn. */
export const SMALL_FILE_BYTES = 64 * 1024
const PIECE_BYTES = 512 * 1024

/** A file that was replaced by a FIFO after the walk must not make the open wait. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Reads a file that the walk found into `into`, from `position` on. Throws NOT_STILL when it is not what the walk saw. */
export function readWhole(tree: OpenRoot, found: Found, into: Buffer, position: number, size: number): void {
  try {
    const descriptor = openSync(tree.at(found.path), READ_FLAGS)
    try {
      for (let at = 0; at < size; ) {
        const count = readSync(descriptor, into, position + at, size - at, at)
        if (count === 0) throw notStill(found.shown, 'shrank')
        at += count
      }
      proveUnchanged(found, fstatSync(descriptor, { bigint: true }))
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw readFailure(found.shown, error)
  }
}

/** As `readWhole`, in pieces. A piece is valid until the next one is asked for: all lie in one buffer. */
export async function* readPieces(
  tree: OpenRoot,
  found: Found,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    await using file = await open(tree.at(found.path), READ_FLAGS)
    const buffer = Buffer.allocUnsafe(PIECE_BYTES)
    for (let at = 0; at < size; ) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE_BYTES, size - at), at)
      if (bytesRead === 0) throw notStill(found.shown, 'shrank')
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    proveUnchanged(found, await file.stat({ bigint: true }))
  } catch (error) {
    if (signal.aborted) throw error
    throw readFailure(found.shown, error)
  }
}

/**
 * Throws NOT_STILL when a file is not the one that the walk saw. A name given to the inode or taken from it changes ctime too, and
 * nothing that is kept: databases share immutable files so.
 */
export function proveUnchanged({ shown, stats }: Found, now: Found['stats']): void {
  const same =
    now.ino === stats.ino &&
    now.dev === stats.dev &&
    now.size === stats.size &&
    now.mtimeNs === stats.mtimeNs &&
    (now.ctimeNs === stats.ctimeNs || now.nlink !== stats.nlink)
  if (!same) throw notStill(shown, 'changed')
}
