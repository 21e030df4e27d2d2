import { createWriteStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '../../errors.ts'
import { counting, type Digest, hashing } from '../../lib/hash.ts'
import { filterThrough } from '../../lib/process.ts'
import { packTree } from '../../lib/tree/pack.ts'
import type { Artifact, StageOptions, StreamArtifact, TreeArtifact } from '../repository.ts'
import type { StoredArtifact } from './manifest.ts'

/** Where files of a snapshot are written, and how they are compressed. */
export interface Shelf {
  folder: string
  /** The level of zstd. */
  level: number
}

/** Writes one artifact, compressed, into the folder of the shelf. It is on disk when this returns. */
export async function storeArtifact(artifact: Artifact, shelf: Shelf, options: StageOptions): Promise<StoredArtifact> {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(artifact.name)) {
    throw new BackupError('INTERNAL', `${artifact.name} cannot be the name of an artifact`)
  }
  return artifact.kind === 'tree' ? storeTree(artifact, shelf, options) : storeStream(artifact, shelf, options)
}

async function storeStream(
  { kind, name, open }: StreamArtifact,
  shelf: Shelf,
  { signal, onBytes }: StageOptions,
): Promise<StoredArtifact> {
  const file = `${name}.zst`
  const plain = hashing(onBytes)
  const stored = await compress(await open(signal), plain, { ...shelf, file, signal })
  return { kind, name, ...plain.digest(), stored: { file, ...stored } }
}

/** The digest of the tree is computed while it is packed, so that nothing is read twice. */
async function storeTree(
  { kind, name, origin, exclude, only, root, ...scope }: TreeArtifact,
  shelf: Shelf,
  options: StageOptions,
): Promise<StoredArtifact> {
  const file = `${name}.tar.zst`
  const tree = packTree(root, { ...options, ...scope, exclude, ...(only && { only }) })
  const plain = counting(options.onBytes)
  const stored = await compress(tree, plain, { ...shelf, file, signal: options.signal })
  const isFile = (await lstat(root)).isFile()
  const { identity, ...summary } = tree.summary()
  return {
    ...{ kind, name, origin, exclude, ...(isFile && { isFile }), ...(only && { only }) },
    ...{ bytes: plain.bytes(), ...summary },
    stored: { file, ...stored, identity },
  }
}

/** Answers length and hash of the new file. Node's own zstd stream is not used: it lost data on cut input in some versions. */
async function compress(
  source: Readable,
  plain: Duplex,
  { folder, level, file, signal }: Shelf & { file: string; signal: AbortSignal },
): Promise<Digest> {
  const filter = filterThrough('zstd', ['-q', '-c', '-T0', '--check', `-${level}`], { signal })
  const stored = hashing()
  const sink = createWriteStream(join(folder, file), { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(source, plain, filter, stored, sink, { signal })
  return stored.digest()
}
