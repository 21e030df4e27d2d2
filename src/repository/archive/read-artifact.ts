import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { inChild } from '../../lib/child/in-child.ts'
import { ownFile } from '../../lib/own-files.ts'
import { readTar } from '../../lib/tree/read-tar.ts'
import type { ArtifactRecord, ExtractOptions, ListedEntry, ProveOptions, TreeProof } from '../repository.ts'
import { decompress, otherContent, type ReadOptions } from './decompress.ts'
import { asStored, type StoredFile } from './manifest.ts'

const CHUNK_BYTES = 1024 * 1024

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

const extractTree = inChild<typeof import('./read-tree.ts').extractTree>(
  ownFile('repository/archive/read-tree.ts'),
  'extractTree',
)
const identifyPart = inChild<typeof import('./read-tree.ts').identifyPart>(
  ownFile('repository/archive/read-tree.ts'),
  'identifyPart',
)

/** A tree to the directory `to`, on disk when this returns. Its digest is computed again from the bytes that are read back. */
export async function extractArtifact(
  folder: string,
  record: ArtifactRecord,
  to: string,
  options: ExtractOptions,
): Promise<void> {
  const { file, identity } = asStored(record).stored
  await extractTree(to, { path: join(folder, file), identity }, options)
}

/** Compares the digest of the tree at `root` with the one that was computed when the artifact was stored. */
export async function proveArtifact(
  record: ArtifactRecord,
  root: string,
  { signal, skipDevices = [], part }: ProveOptions,
): Promise<TreeProof> {
  const { identity = 'not the digest of a tree' } = asStored(record).stored
  const only = part?.only ?? record.only
  const scope = { signal, skipDevices, exclude: record.exclude ?? [], ...(only && { only }) }
  const found = await identifyPart(root, scope, part?.only)
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
    const { type, mode, uid, gid, size, mtimeNs, linkname = '' } = entry
    yield {
      path: plainPath(entry.path),
      ...{ type, mode, uid, gid, size, mtimeNs },
      ...(type === 'symlink' && { linksTo: linkname }),
      ...(type === 'link' && { sharesWith: plainPath(linkname) }),
    }
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
