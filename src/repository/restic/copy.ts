import { BackupError } from '../../errors.ts'
import { inScratch } from '../archive/copy.ts'
import { copyByArtifacts } from '../copy-artifacts.ts'
import type { CopyOptions, Repository, Snapshot } from '../repository.ts'
import { explainFailure, inRestic } from './explain.ts'
import type { ResticSnapshot } from './layout.ts'
import { listRestic } from './list.ts'
import { asStored } from './manifest.ts'
import { beginOwner, type Owner } from './owners.ts'
import { type Restic, runRestic } from './program.ts'

/** Snapshots that are copied together. Each call of restic opens two keys, and what a cut loses is one batch at most. */
const batchSize = 25

/** The repository that is copied into. */
export interface Destination {
  restic: Restic
  repository: Repository
}

/** From another repository of restic by restic itself, else artifact by artifact, with trees on the disk of the archive on their way. */
export async function copyIntoRestic(
  { restic, repository }: Destination,
  other: Repository,
  snapshots: Snapshot[],
  options: CopyOptions,
): Promise<void> {
  const { copySource } = other
  if (copySource?.kind === 'restic')
    return await copyWithin(restic, (await copySource.open(options.signal)) as Restic, snapshots, options)
  await inScratch(copySource ?? { dir: restic.home }, (scratch) =>
    copyByArtifacts({ from: other, to: repository, scratch }, snapshots, options),
  )
}

async function copyWithin(
  restic: Restic,
  from: Restic,
  snapshots: Snapshot[],
  { signal, onCopied }: CopyOptions,
): Promise<void> {
  const roots = rootsOf(await listRestic(from, signal))
  const present = rootsOf(await listRestic(restic, signal))
  const missing = snapshots.filter(({ id }) => !present.has(id) && roots.has(id))
  for (let start = 0; start < missing.length; start += batchSize) {
    signal.throwIfAborted()
    const batch = missing.slice(start, start + batchSize)
    await copyBatch(
      { restic, from },
      batch.map((snapshot) => ({ snapshot, root: roots.get(snapshot.id) as ResticSnapshot })),
      signal,
    )
    for (const snapshot of batch) onCopied?.(snapshot)
  }
}

const rootsOf = (all: ResticSnapshot[]): Map<string, ResticSnapshot> =>
  new Map(all.flatMap((one) => (one.manifestOf === undefined ? [] : [[one.manifestOf, one] as const])))

/**
 * Copies the artifacts and then the manifests, by which the snapshots begin to exist. A manifest is copied as it is: it names artifacts by
 * ids that their copies keep as `original`. The work has the owners that it has in the other repository, so that what no manifest follows
 * is found here as what a stage has left.
 */
async function copyBatch(
  ends: { restic: Restic; from: Restic },
  batch: { snapshot: Snapshot; root: ResticSnapshot }[],
  signal: AbortSignal,
): Promise<void> {
  const { home } = ends.restic
  const owners = [...new Set(batch.map(({ root }) => root.owner))].map((id) => beginOwner(home, id))
  const artifacts = batch.flatMap(({ snapshot }) => snapshot.artifacts.map((one) => asStored(one).stored.snapshot))
  try {
    await copyIds(
      ends,
      artifacts.flatMap((id) => id ?? []),
      signal,
    )
    await copyIds(
      ends,
      batch.map(({ root }) => root.id),
      signal,
    )
    await proveCopied(ends.restic, batch, signal)
  } catch (error) {
    end(owners, true)
    throw explainFailure(ends.restic.address.url, error)
  }
  end(owners, false)
}

const end = (owners: Owner[], hasLeft: boolean): void => {
  for (const owner of owners) owner.end(hasLeft)
}

async function copyIds({ restic, from }: { restic: Restic; from: Restic }, ids: string[], signal: AbortSignal) {
  if (ids.length === 0) return
  await inRestic(restic.address.url, () => runRestic(restic, ['copy', ...ids], { signal, from }))
}

/** restic passes over an id that it does not find, and ends well. */
async function proveCopied(restic: Restic, batch: { snapshot: Snapshot }[], signal: AbortSignal): Promise<void> {
  const present = rootsOf(await listRestic(restic, signal))
  const lost = batch.find(({ snapshot }) => !present.has(snapshot.id))
  if (lost) throw new BackupError('REPOSITORY_FAILED', `restic has not copied snapshot ${lost.snapshot.id}`)
}
