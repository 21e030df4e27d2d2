import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Digest, hashing } from '../../lib/hash.ts'
import { filterThrough } from '../../lib/process.ts'

/** Where files of a snapshot are written, and how they are compressed. */
export interface Shelf {
  folder: string
  /** The level of zstd. */
  level: number
}

/** zstd reads its standard input, and writes what it has made of that to its standard output. */
export const zstdArguments = (level: number): string[] => ['-q', '-c', '-T0', '--check', `-${level}`]

/** Answers length and hash of the new file. Node's own zstd stream is not used: it lost data on cut input in some versions. */
export async function compress(
  source: Readable,
  plain: Duplex,
  { folder, level, file, signal }: Shelf & { file: string; signal: AbortSignal },
): Promise<Digest> {
  const filter = filterThrough('zstd', zstdArguments(level), { signal })
  const stored = hashing()
  const sink = createWriteStream(join(folder, file), { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(source, plain, filter, stored, sink, { signal })
  return stored.digest()
}
