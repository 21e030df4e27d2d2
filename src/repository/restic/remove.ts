import { existsSync } from 'node:fs'
import { BackupError } from '../../errors.ts'
import { inRestic } from './explain.ts'
import type { ResticSnapshot } from './layout.ts'
import { listRestic } from './list.ts'
import { hasEnded, removeWork, takeDeadOwners } from './owners.ts'
import { type Restic, runRestic } from './program.ts'

/** Ids in one call: the length of a command line is bounded. */
const BATCH = 500

/**
 * Removes the manifests first: from then on nothing of these snapshots is listed. The last call frees the room. What an earlier removal of
 * this control plane left behind, because its process died after that, goes with it.
 */
export async function removeSnapshots(
  restic: Restic,
  ids: string[],
  signal: AbortSignal,
  copiesFrom?: Restic,
): Promise<void> {
  const all = await listRestic(restic, signal)
  const manifests = all.filter(({ manifestOf }) => manifestOf !== undefined && ids.includes(manifestOf))
  if (manifests.length === 0) return
  const ended = all.filter(({ owner }) => hasEnded(restic.home, owner, copiesFrom?.home))
  const owners = new Set([...manifests, ...ended].map(({ owner }) => owner))
  await forget(restic, manifests, signal)
  // Whoever had ended before this listing has its manifest in it, or never gets one.
  const left = await listRestic(restic, signal)
  const published = publishers(left)
  await forget(
    restic,
    left.filter(({ owner }) => owners.has(owner) && !published.has(owner)),
    signal,
  )
  await inRestic(restic.address.url, () => runRestic(restic, ['prune'], { signal }))
}

/** The owners of what has a manifest. */
const publishers = (all: ResticSnapshot[]): ReadonlySet<string> =>
  new Set(all.filter(({ manifestOf }) => manifestOf !== undefined).map(({ owner }) => owner))

export interface Sweep {
  isThere(): Promise<boolean>
  /** Nothing but locks can be deleted: what no manifest followed stays, and a copy that is repeated makes use of it. */
  appendOnly: boolean
  /** The repository that is copied from. A copy that died has left its lock there too. */
  copiesFrom?: Restic | undefined
}

/**
 * Removes what dead processes of this control plane have left: snapshots of restic that no manifest followed, locks, and files on the
 * way. Where none has died, restic is not even asked.
 */
export async function sweepDead(restic: Restic, sweep: Sweep, signal: AbortSignal): Promise<void> {
  if (!existsSync(restic.home)) return
  const dead = takeDeadOwners(restic.home)
  if (dead.length === 0) return
  let hasLeft = true
  try {
    const ids = dead.map(({ id }) => id)
    if (await sweep.isThere()) {
      await unlock(restic, ids, signal)
      if (sweep.copiesFrom) await unlock(sweep.copiesFrom, ids, signal)
      if (!sweep.appendOnly) await forgetUnpublished(restic, ids, signal)
    }
    for (const id of ids) await removeWork(restic.home, id)
    hasLeft = false
  } finally {
    for (const owner of dead) owner.end(hasLeft)
  }
}

async function forgetUnpublished(restic: Restic, owners: string[], signal: AbortSignal): Promise<void> {
  const all = await listRestic(restic, signal)
  const published = publishers(all)
  await forget(
    restic,
    all.filter(({ owner }) => owners.includes(owner) && !published.has(owner)),
    signal,
  )
}

/**
 * Removes the locks of dead processes. restic takes a lock for stale where its process is not there and the name of the machine is its
 * own. Each process of ours has its own name, so that under that name, and among no other processes, its locks alone are stale, and
 * those that nobody has renewed for half an hour.
 */
async function unlock(restic: Restic, ids: string[], signal: AbortSignal): Promise<void> {
  const { url } = restic.address
  const locks = await inRestic(url, () => runRestic(restic, ['list', 'locks', '--no-lock'], { signal }))
  if (locks.trim() === '') return
  for (const host of ids)
    await inRestic(url, () => runRestic({ ...restic, host }, ['unlock'], { signal, jail: { alone: true } }))
}

/** Some versions end well though they have not removed all. */
async function forget(restic: Restic, snapshots: ResticSnapshot[], signal: AbortSignal): Promise<void> {
  if (snapshots.length === 0) return
  const ids = snapshots.map(({ id }) => id)
  const { url } = restic.address
  for (let start = 0; start < ids.length; start += BATCH) {
    const batch = ids.slice(start, start + BATCH)
    await inRestic(url, () => runRestic(restic, ['forget', ...batch], { signal }))
  }
  const left = (await listRestic(restic, signal)).filter(({ id }) => ids.includes(id))
  if (left.length === 0) return
  throw new BackupError(
    'REPOSITORY_FAILED',
    `${url}: restic has not removed ${left.length} of ${ids.length} snapshots`,
    {
      hint: 'Does the repository take deletions? An append-only server refuses them.',
    },
  )
}
