import { BackupError } from '../errors.ts'
import { byAge } from '../repository/by-age.ts'
import type { KnownDamage } from '../repository/known-damage.ts'
import type { Repository, Snapshot, SnapshotRef, Tier } from '../repository/repository.ts'
import type { Parts } from './job.ts'

/** Every capture is published here first; other tiers hold copies of it. */
export const captureTier: Tier = 'local'

/** A snapshot and the tiers that hold it, in the order in which a restore asks them. It is damaged where no copy is known to be whole. */
export interface TieredSnapshot extends Snapshot {
  tiers: Tier[]
}

/** CONFIG_INVALID where no repository is configured for the tier. */
export function repositoryOf({ repositories }: Pick<Parts, 'repositories'>, tier: Tier): Repository {
  const repository = repositories.get(tier)
  if (repository) return repository
  throw new BackupError('CONFIG_INVALID', `no ${tier} repository is configured`)
}

/** Holds the repository of new captures for this control plane. BUSY where another one has it: see `Repository.hold`. */
export async function holdRepository(parts: Parts, signal: AbortSignal): Promise<Disposable> {
  const plane = { state: parts.catalog.state, project: parts.settings.project }
  return (await repositoryOf(parts, captureTier).hold?.(plane, signal)) ?? new DisposableStack()
}

/** Lists all tiers, oldest snapshot first; a snapshot that several tiers hold is listed once. */
export async function listSnapshots(
  { repositories }: Pick<Parts, 'repositories'>,
  signal: AbortSignal,
): Promise<TieredSnapshot[]> {
  const found = new Map<string, TieredSnapshot>()
  for (const [tier, repository] of repositories) {
    for (const snapshot of await repository.list(signal)) {
      const known = found.get(snapshot.id)
      if (!known) found.set(snapshot.id, { ...snapshot, tiers: [tier] })
      else if (known.damaged && !snapshot.damaged)
        found.set(snapshot.id, { ...snapshot, tiers: [tier, ...known.tiers] })
      else known.tiers.push(tier)
    }
  }
  return [...found.values()].sort(byAge)
}

/** The damage that is known in any tier. */
export const knownDamage = ({ catalog, repositories }: Pick<Parts, 'catalog' | 'repositories'>): KnownDamage[] =>
  [...repositories.values()].flatMap(({ url }) => catalog.damage.read(url))

/** The copy of a snapshot that a restore reads. */
export function snapshotRef({ id, tiers: [tier = captureTier] }: TieredSnapshot): SnapshotRef {
  return { tier, id }
}

/** The snapshot that was just published. */
export const asCaptured = (snapshot: Snapshot): TieredSnapshot => ({ ...snapshot, tiers: [captureTier] })

/** The snapshot behind a reference; NO_SUCH_SNAPSHOT where its tier does not hold it any more. */
export async function findSnapshot(
  parts: Parts,
  { tier, id }: SnapshotRef,
  signal: AbortSignal,
): Promise<TieredSnapshot> {
  const snapshot = (await repositoryOf(parts, tier).list(signal)).find((each) => each.id === id)
  if (snapshot) return { ...snapshot, tiers: [tier] }
  throw goneError({ tier, id })
}

export const goneError = ({ tier, id }: SnapshotRef): BackupError =>
  new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${id} is gone from the ${tier} repository`)
