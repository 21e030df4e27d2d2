import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { type Digest, hashing } from '../../lib/hash.ts'
import { closeStream, filterThrough, programStream, runChecked } from '../../lib/process.ts'
import { packTree } from '../../lib/tree/pack.ts'
import { unpackTree } from '../../lib/tree/unpack.ts'
import type { Artifact, ArtifactRecord, ExtractOptions, StageOptions, TreeArtifact } from '../repository.ts'

const CHUNK_BYTES = 1024 * 1024

/** Writes one artifact, compressed, into `folder`, synced. Node's own zstd stream is not used: it lost data on cut input in some versions. */
export async function storeArtifact(
  artifact: Artifact,
  folder: string,
  level: number,
  options: StageOptions,
): Promise<ArtifactRecord> {
  const { signal } = options
  const file = fileOf(artifact)
  const tree = artifact.kind === 'tree' ? packTree(artifact.root, { ...options, exclude: artifact.exclude }) : undefined
  const source = tree ?? (await (artifact as Extract<Artifact, { kind: 'stream' }>).open(signal))
  const plain = hashing(options.onBytes)
  const compress = filterThrough('zstd', ['-q', '-c', '-T0', '--check', `-${level}`], { signal })
  const stored = hashing()
  const sink = createWriteStream(join(folder, file), { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(source, plain, compress, stored, sink, { signal })
  return {
    kind: artifact.kind,
    name: artifact.name,
    ...(artifact.kind === 'tree' && (await describeTree(artifact))),
    plain: plain.digest(),
    stored: { ...stored.digest(), file },
    ...tree?.summary(),
  }
}

async function describeTree({ origin, exclude, root }: TreeArtifact) {
  const isFile = (await lstat(root)).isFile()
  return { origin, exclude, ...(isFile && { isFile }) }
}

function fileOf({ kind, name }: Artifact): string {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    throw new BackupError('INTERNAL', `${name} cannot be the name of an artifact`)
  return kind === 'tree' ? `${name}.tar.zst` : `${name}.zst`
}

/** The plain bytes of an artifact. Ends cleanly only when length and SHA-256 are those of the manifest. */
export function openArtifact(
  folder: string,
  record: ArtifactRecord,
  signal: AbortSignal,
  onBytes?: (count: number) => void,
): Readable {
  const path = join(folder, record.stored.file)
  return Readable.from(provePlain(path, record.plain, signal, onBytes), { objectMode: false, signal })
}

async function* provePlain(path: string, expected: Digest, signal: AbortSignal, onBytes?: (count: number) => void) {
  const hash = createHash('sha256')
  let bytes = 0
  const plain = programStream('zstd', ['-q', '-d', '-c', '--', path], { signal })
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      hash.update(chunk)
      bytes += chunk.length
      onBytes?.(chunk.length)
      yield chunk
    }
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'TOOL_FAILED') throw error
    throw new BackupError('SNAPSHOT_DAMAGED', `${path}: ${error.message}`, { cause: error })
  } finally {
    await closeStream(plain)
  }
  if (bytes !== expected.bytes || hash.digest('hex') !== expected.sha256) {
    throw new BackupError('SNAPSHOT_DAMAGED', `${path}: its content is not what was backed up`)
  }
}

/** A tree artifact into the empty directory `to`, on disk when this returns. */
export async function extractArtifact(
  folder: string,
  record: ArtifactRecord,
  to: string,
  options: ExtractOptions,
): Promise<void> {
  const { signal, only, onBytes } = options
  const source = openArtifact(folder, record, signal, onBytes)
  try {
    const summary = await unpackTree(source, to, { signal, ...(only && { only }) })
    if (summary.entries !== record.entries || summary.contentBytes !== record.contentBytes) {
      throw new BackupError('SNAPSHOT_DAMAGED', `${join(folder, record.stored.file)}: not all entries are in it`)
    }
  } finally {
    await closeStream(source)
  }
  await runChecked('sync', ['-f', '--', to], { signal, timeoutSeconds: SYNC_TIMEOUT_SECONDS })
}

const SYNC_TIMEOUT_SECONDS = 1800

/** Why a stored file is not what the manifest says; undefined when it is. */
export async function findDamage(
  folder: string,
  { file, bytes, sha256 }: ArtifactRecord['stored'],
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
