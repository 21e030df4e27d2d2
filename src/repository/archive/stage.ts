import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { toSnapshot } from '../manifest-shape.ts'
import type { Artifact, Snapshot, SnapshotMeta, Staged, StageOptions, TargetId, TreeArtifact } from '../repository.ts'
import { explain, inRepository } from './explain.ts'
import { folderOf, MANIFEST, SUMS } from './layout.ts'
import { formatManifest, formatSums, type StoredArtifact } from './manifest.ts'
import { copiesOf } from './prepare.ts'
import { type OwnArchive, openStaging, type Staging } from './staging.ts'
import { storeArtifact } from './store-artifact.ts'

/** Bytes in a folder of work in progress. Of a prepared tree there is a copy, which is packed when the snapshot is published. */
interface Taken {
  staging: Staging
  artifacts: (StoredArtifact | TreeArtifact)[]
  store(artifact: Artifact): Promise<StoredArtifact>
}

/** See `Repository.stage`. */
export async function stage(
  archive: OwnArchive & { level: number },
  target: TargetId,
  artifacts: AsyncIterable<Artifact>,
  options: StageOptions,
): Promise<Staged> {
  const { dir, level } = archive
  folderOf(dir, target, '') // A name that cannot be a folder's is refused before anything is read.
  const staging = await inRepository(dir, () => openStaging(archive))
  const store = (artifact: Artifact) => storeArtifact(artifact, { folder: staging.folder, level }, options)
  const taken: Taken = { staging, artifacts: [], store }
  try {
    for await (const artifact of artifacts) {
      refuseTwin(taken, artifact)
      taken.artifacts.push((await takeCopy(dir, target, artifact, options)) ?? (await store(artifact)))
    }
  } catch (error) {
    await staging.discard()
    throw explain(dir, error)
  }
  return {
    artifacts: taken.artifacts,
    publish: (meta, signal) => publish(dir, target, taken, meta, signal),
    discard: () => staging.discard(),
  }
}

function refuseTwin({ artifacts }: Taken, { name }: Artifact): void {
  if (artifacts.some((each) => each.name === name)) {
    throw new BackupError('INTERNAL', `two artifacts have the name ${name}`)
  }
}

/** The artifact with the finished copy of its tree as its root; undefined where it was not prepared. */
async function takeCopy(
  dir: string,
  target: TargetId,
  artifact: Artifact,
  { prepared }: StageOptions,
): Promise<TreeArtifact | undefined> {
  if (!prepared || artifact.kind !== 'tree') return undefined
  const copy = await copiesOf(prepared, dir, target).finish(artifact)
  return copy === undefined ? undefined : { ...artifact, root: copy }
}

async function publish(
  dir: string,
  target: TargetId,
  { staging, artifacts, store }: Taken,
  meta: SnapshotMeta,
  signal: AbortSignal,
): Promise<Snapshot> {
  try {
    signal.throwIfAborted()
    const stored: StoredArtifact[] = []
    for (const artifact of artifacts) stored.push('stored' in artifact ? artifact : await store(artifact))
    signal.throwIfAborted()
    const manifest = formatManifest(meta, stored)
    await writeSynced(join(staging.folder, MANIFEST), manifest)
    await writeSynced(join(staging.folder, SUMS), formatSums(manifest, stored))
    await staging.publish(folderOf(dir, target, meta.id).absolute)
    return toSnapshot(meta, stored)
  } catch (error) {
    await staging.discard()
    throw explain(dir, error)
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}
