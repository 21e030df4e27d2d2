import { createHash } from 'node:crypto'
import { BackupError } from '../../errors.ts'
import { explainDamage } from './explain.ts'
import type { StoredArtifact } from './manifest.ts'
import { type Restic, resticStream } from './program.ts'

/** The plain bytes of a stream. They end cleanly only when length and SHA-256 are those of the manifest. */
export async function* readStream(
  restic: Restic,
  { name, bytes, sha256, stored }: StoredArtifact,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (stored.snapshot === null) return
  const hash = createHash('sha256')
  let count = 0
  try {
    for await (const piece of (await resticStream(restic, ['dump', stored.snapshot, name], {
      signal,
    })) as AsyncIterable<Buffer>) {
      hash.update(piece)
      count += piece.length
      yield piece
    }
  } catch (error) {
    throw explainDamage(restic.address.url, error)
  }
  if (count === bytes && hash.digest('hex') === sha256) return
  throw new BackupError('SNAPSHOT_DAMAGED', `${restic.address.url}: ${name}: its content is not what was backed up`)
}
