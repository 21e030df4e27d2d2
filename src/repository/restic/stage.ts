import { BackupError } from '../../errors.ts'
import { inChild } from '../../lib/child/in-child.ts'
import { ownFile } from '../../lib/own-files.ts'
import type { ManifestCache } from '../manifest-cache.ts'
import { toSnapshot } from '../manifest-shape.ts'
import type { Artifact, Snapshot, SnapshotMeta, Staged, StageOptions, TargetId } from '../repository.ts'
import { isOfHost } from '../snapshot.ts'
import { explainFailure } from './explain.ts'
import { listRestic, toCached } from './list.ts'
import { asStored, formatManifest, type StoredArtifact } from './manifest.ts'
import { beginOwner, type Owner } from './owners.ts'
import { PATIENCE } from './patience.ts'
import { parentsOf } from './prepare.ts'
import type { Restic } from './program.ts'
import { storeManifest, storeStream } from './store-stream.ts'

const storeTree = inChild<typeof import('./store-tree.ts').storeTree>(
  ownFile('repository/restic/store-tree.ts'),
  'storeTree',
  PATIENCE,
)

/** Snapshots of restic without a manifest. Only a sweep removes them, where none follows: an append-only repository must do. */
interface Taken {
  restic: Restic
  manifests: ManifestCache
  target: TargetId
  owner: Owner
  artifacts: StoredArtifact[]
}

/** See `Repository.stage`. */
export async function stage(
  restic: Restic,
  manifests: ManifestCache,
  target: TargetId,
  artifacts: AsyncIterable<Artifact>,
  options: StageOptions,
): Promise<Staged> {
  const taken: Taken = { restic, manifests, target, owner: beginOwner(restic.home), artifacts: [] }
  try {
    for await (const artifact of artifacts) {
      refuseName(taken, artifact)
      taken.artifacts.push(await store(taken, artifact, options))
    }
  } catch (error) {
    // A process that was ended may have just stored a snapshot that it could not tell of.
    taken.owner.end(true)
    throw explainFailure(restic.address.url, error)
  }
  return {
    artifacts: taken.artifacts,
    publish: (meta, signal) => publish(taken, meta, signal),
    discard: async () => taken.owner.end(taken.artifacts.length > 0),
  }
}

function refuseName({ artifacts }: Taken, { name }: Artifact): void {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
    throw new BackupError('INTERNAL', `${name} cannot be the name of an artifact`)
  if (artifacts.some((each) => each.name === name)) {
    throw new BackupError('INTERNAL', `two artifacts have the name ${name}`)
  }
}

async function store(taken: Taken, artifact: Artifact, options: StageOptions): Promise<StoredArtifact> {
  const { restic, target, owner } = taken
  const { signal, onBytes, onWarning, prepared } = options
  const how = { target, owner: owner.id, signal, ...(onBytes && { onBytes }) }
  if (artifact.kind === 'stream') return await storeStream(restic, artifact, how)
  const ahead = prepared && parentsOf(prepared, restic.address.url, target)(artifact)
  const parent = ahead ?? parentOf(restic, taken.manifests, target, artifact.name)
  const more = { ...(onWarning && { onWarning }), ...(parent !== undefined && { parent }) }
  return await storeTree(artifact.root, artifact, restic, { ...how, ...more })
}

/** The newest whole snapshot of the same tree that is known here. One that was removed since costs a second try. */
export function parentOf(restic: Restic, manifests: ManifestCache, target: TargetId, name: string): string | undefined {
  const same = [...manifests.read(restic.address.url).values()]
    .map(({ snapshot }) => snapshot)
    .filter(({ project, target: other }) => project === target.project && other === target.target)
    .filter((snapshot) => isOfHost(snapshot, target.host))
    .toSorted((a, b) => b.time.localeCompare(a.time))
  const artifact = same.flatMap(({ artifacts }) => artifacts).find((one) => one.name === name && one.kind === 'tree')
  return artifact && (asStored(artifact).stored.snapshot ?? undefined)
}

async function publish(
  { restic, manifests, target, owner, artifacts }: Taken,
  meta: SnapshotMeta,
  signal: AbortSignal,
): Promise<Snapshot> {
  const snapshot = toSnapshot(meta, artifacts)
  try {
    signal.throwIfAborted()
    const how = { signal, target, owner: owner.id, id: meta.id }
    const id = await storeManifest(restic, formatManifest(meta, artifacts), how)
    manifests.update(restic.address.url, { entries: [toCached(id, snapshot)], gone: [] })
  } catch (error) {
    if (!(await isPublished(restic, owner))) {
      owner.end(true)
      throw explainFailure(restic.address.url, error)
    }
  }
  owner.end(false)
  return snapshot
}

const SETTLE_MS = 60_000

/** The manifest may have been stored just before restic was ended: then the snapshot exists. */
async function isPublished(restic: Restic, { id }: Owner): Promise<boolean> {
  try {
    const all = await listRestic(restic, AbortSignal.timeout(SETTLE_MS))
    return all.some(({ owner, manifestOf }) => owner === id && manifestOf !== undefined)
  } catch {
    // What cannot be asked now is a leftover for the sweep, which keeps it where the manifest is there.
    return false
  }
}
