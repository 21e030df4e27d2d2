import { BackupError } from '../../errors.ts'
import { inChild } from '../../lib/child/in-child.ts'
import { hashing } from '../../lib/hash.ts'
import { ownFile } from '../../lib/own-files.ts'
import type { Artifact, StageOptions, StreamArtifact } from '../repository.ts'
import { compress, type Shelf } from './compress.ts'
import type { StoredArtifact } from './manifest.ts'

/** Writes one artifact, compressed, into the folder of the shelf. It is on disk when this returns. */
export async function storeArtifact(artifact: Artifact, shelf: Shelf, options: StageOptions): Promise<StoredArtifact> {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(artifact.name)) {
    throw new BackupError('INTERNAL', `${artifact.name} cannot be the name of an artifact`)
  }
  if (artifact.kind === 'stream') return storeStream(artifact, shelf, options)
  const { signal, onBytes, onWarning } = options
  return storeTree(artifact.root, artifact, shelf, {
    signal,
    ...(onBytes && { onBytes }),
    ...(onWarning && { onWarning }),
  })
}

/** The packed bytes never pass through this process: packing, compressing and writing are all done by the child. */
const storeTree = inChild<typeof import('./store-tree.ts').storeTree>(
  ownFile('repository/archive/store-tree.ts'),
  'storeTree',
)

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
