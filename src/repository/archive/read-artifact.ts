import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { closeStream, programStream, runChecked } from '../../lib/process.ts'
import { identifyTree } from '../../lib/tree/identity.ts'
import { pickPaths } from '../../lib/tree/pick.ts'
import { readTar } from '../../lib/tree/read-tar.ts'
import { unpackTree } from '../../lib/tree/unpack.ts'
import type { ArtifactRecord, ExtractOptions, ListedEntry, ProveOptions, TreeProof } from '../repository.ts'
import { asStored, type StoredFile } from './manifest.ts'

const CHUNK_BYTES = 1024 * 1024

interface ReadOptions {
  signal: AbortSignal
  onBytes?: ((count: number) => void) | undefined
}

/** The plain bytes of a stream. They end cleanly only when length and SHA-256 are those of the manifest. */
export function openArtifact(folder: string, record: ArtifactRecord, options: ReadOptions): Readable {
  const path = join(folder, asStored(record).stored.file)
  return Readable.from(proveBytes(path, record, options), { objectMode: false, signal: options.signal })
}

async function* proveBytes(path: string, expected: ArtifactRecord, options: ReadOptions): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of decompress(path, options)) {
    hash.update(chunk)
    bytes += chunk.length
    yield chunk
  }
  if (bytes !== expected.bytes || hash.digest('hex') !== expected.sha256) throw otherContent(path)
}

async function* decompress(path: string, { signal, onBytes }: ReadOptions): AsyncGenerator<Buffer> {
  const plain = programStream('zstd', ['-q', '-d', '-c', '--', path], { signal })
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      onBytes?.(chunk.length)
      yield chunk
    }
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') throw error
    throw new BackupError('SNAPSHOT_DAMAGED', `${path}: ${error.message}`, { cause: error })
  } finally {
    await closeStream(plain)
  }
}

const otherContent = (path: string) =>
  new BackupError('SNAPSHOT_DAMAGED', `${path}: its content is not what was backed up`)

/** A tree to the directory `to`, on disk when this returns. Its digest is computed again from the bytes that are read back. */
export async function extractArtifact(
  folder: string,
  record: ArtifactRecord,
  to: string,
  { signal, only, onPart, onBytes }: ExtractOptions,
): Promise<void> {
  const { file, identity } = asStored(record).stored
  const path = join(folder, file)
  const found = await unpackTree(decompress(path, { signal, onBytes }), to, { signal, ...(only && { only }) })
  if (found.identity !== identity) throw otherContent(path)
  if (only) onPart?.(found.asked)
  await runChecked('sync', ['-f', '--', to], { signal, timeoutSeconds: SYNC_TIMEOUT_SECONDS })
}

const SYNC_TIMEOUT_SECONDS = 1800

/** Compares the digest of the tree at `root` with the one that was computed when the artifact was stored. */
export async function proveArtifact(
  record: ArtifactRecord,
  root: string,
  { signal, skipDevices = [], part }: ProveOptions,
): Promise<TreeProof> {
  const { identity = 'not the digest of a tree' } = asStored(record).stored
  const only = part?.only ?? record.only
  const scope = { signal, skipDevices, exclude: record.exclude ?? [], ...(only && { only }) }
  const pick = pickPaths(part?.only)
  // The folders on the way stay as they are, and are no part of what was put back.
  const found = await identifyTree(root, { ...scope, counts: (entry) => pick.wants(entry) === 'asked' })
  return { expected: part?.digest ?? identity, actual: found.identity }
}

/** The entries of a tree, in the order of a walk. */
export async function* listArtifact(
  folder: string,
  record: ArtifactRecord,
  signal: AbortSignal,
): AsyncGenerator<ListedEntry> {
  const path = join(folder, asStored(record).stored.file)
  for await (const { entry } of readTar(decompress(path, { signal }))) {
    signal.throwIfAborted()
    const { type, linkname = '' } = entry
    yield { path: plainPath(entry.path), ...(type === 'link' && { sharesWith: plainPath(linkname) }) }
  }
}

const plainPath = (path: string): string => path.replace(/^(\.\/)+/, '').replace(/\/+$/, '') || '.'

/** The reason why a stored file is not what the manifest says; undefined when it is. */
export async function findDamage(
  folder: string,
  { file, bytes, sha256 }: StoredFile,
  options: { readData: boolean; signal: AbortSignal },
): Promise<string | undefined> {
  const path = join(folder, file)
  const stats = await lstat(path).catch(() => undefined)
  if (!stats) return 'is missing'
  if (!stats.isFile()) return 'is no file'
  if (stats.size !== bytes) return `has ${stats.size} bytes instead of ${bytes}`
  if (!options.readData) return undefined
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash, { signal: options.signal })
  } catch (error) {
    if (options.signal.aborted) throw error
    return `cannot be read: ${(error as Error).message}`
  }
  return hash.digest('hex') === sha256 ? undefined : 'has another SHA-256 than when it was written'
}
