import { BackupError } from '../errors.ts'
import type { SnapshotRef, Tier } from '../repository/repository.ts'
import type { Parts } from './job.ts'
import { goneError, listEveryHost, repositoryOf } from './repositories.ts'

/**
 * Pins snapshots that were chosen before, until the result is disposed. Then it asks whether they are still there: NO_SUCH_SNAPSHOT where
 * one was removed meanwhile.
 */
export async function pinSnapshots(parts: Parts, refs: SnapshotRef[], signal: AbortSignal): Promise<DisposableStack> {
  using pins = new DisposableStack()
  pins.use(parts.catalog.pin(refs))
  for (const [tier, chosen] of Map.groupBy(refs, ({ tier }) => tier)) {
    const listed = new Set((await listEveryHost(parts, tier, signal)).map(({ id }) => id))
    const gone = chosen.find(({ id }) => !listed.has(id))
    if (gone) throw goneError(gone)
  }
  return pins.move()
}

/** The ids of the snapshots of one repository that must not be removed. */
export const pinnedIn = ({ catalog }: Pick<Parts, 'catalog'>, wanted: Tier): ReadonlySet<string> =>
  new Set(catalog.pinned().flatMap(({ tier, id }) => (tier === wanted ? [id] : [])))

/** Removes snapshots, except those that somebody needs. Answers the ids of those that are gone. */
export async function removeUnpinned(parts: Parts, tier: Tier, ids: string[], signal: AbortSignal): Promise<string[]> {
  using claim = parts.catalog.takeForRemoval(ids.map((id) => ({ tier, id })))
  const taken = claim.taken.map(({ id }) => id)
  if (taken.length === 0) return []
  const repository = repositoryOf(parts, tier)
  await repository.remove(taken, signal)
  // A program of others may end well and have removed nothing. The listing also lets its cache forget what is gone.
  const left = (await repository.list(signal)).filter(({ id }) => taken.includes(id))
  if (left.length === 0) return taken
  throw new BackupError('REPOSITORY_FAILED', `${repository.url} still lists ${left.map(({ id }) => id).join(', ')}`)
}
