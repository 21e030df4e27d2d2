import { BackupError } from '../../errors.ts'
import { type KnownDamage, notAmong } from '../../repository/known-damage.ts'
import type { Snapshot, Tier } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import { removeUnpinned } from '../pins.ts'
import { listTier, repositoryOf } from '../repositories.ts'
import { beginPrune } from './begin.ts'

/** The snapshots whose description the listing could not read. It has just told the catalog which they are. */
export const findUnreadable = ({ catalog, repositories }: Parts, tier: Tier, listed: Snapshot[]): KnownDamage[] =>
  notAmong(catalog.damage.read(repositories.get(tier)?.url ?? ''), listed)

/** A snapshot that was removed though nobody could read what it is. */
export interface RemovedUnreadable {
  tier: Tier
  url: string
  snapshot: KnownDamage
}

/**
 * Finds a snapshot whose description cannot be read now, in whichever of the tiers. Throws USAGE where it can be read, because retention
 * decides on it then, and NO_SUCH_SNAPSHOT.
 */
export async function chooseUnreadable(
  parts: Parts,
  id: string,
  tiers: Tier[],
  signal: AbortSignal,
): Promise<RemovedUnreadable> {
  for (const tier of tiers) {
    const listed = await listTier(parts, tier, signal)
    if (listed.some((one) => one.id === id))
      throw new BackupError('USAGE', `snapshot ${id} can be read: retention decides whether it goes`, {
        hint: 'Nothing was removed. See xnai-backup prune --dry-run.',
      })
    const snapshot = findUnreadable(parts, tier, listed).find((one) => one.id === id)
    if (snapshot) return { tier, url: repositoryOf(parts, tier).url, snapshot }
  }
  throw new BackupError('NO_SUCH_SNAPSHOT', `there is no snapshot ${id} that cannot be read`)
}

/** Removes such a snapshot, which no retention does. It is looked for once more under the locks. */
export async function removeUnreadable(
  parts: Parts,
  id: string,
  tiers: Tier[],
  signal: AbortSignal,
): Promise<RemovedUnreadable> {
  using _alone = await beginPrune(parts, { all: false }, signal)
  const found = await chooseUnreadable(parts, id, tiers, signal)
  const gone = await removeUnpinned(parts, found.tier, [id], signal)
  if (gone.length === 0) throw new BackupError('BUSY', `snapshot ${id} is in use`, { hint: 'Nothing was removed.' })
  const left = findUnreadable(parts, found.tier, await listTier(parts, found.tier, signal))
  if (left.some((one) => one.id === id)) throw new BackupError('REPOSITORY_FAILED', `${found.url} still holds ${id}`)
  return found
}
