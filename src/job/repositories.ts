import { asBackupError, BackupError } from '../errors.ts'
import { settleWith, withDeadline } from '../lib/deadline.ts'
import { byAge } from '../repository/by-age.ts'
import type { KnownDamage } from '../repository/known-damage.ts'
import { isStranger } from '../repository/known-repository.ts'
import type { ControlPlane, Repository, Snapshot, SnapshotRef, Tier } from '../repository/repository.ts'
import type { Parts } from './job.ts'
import { hostsOf } from './other-hosts.ts'

/** Every capture is published here first; other tiers hold copies of it. */
export const captureTier: Tier = 'local'

/** The tier to which snapshots are copied, where there is one. */
export const remoteTier: Tier = 'remote'

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

/** The control plane that this process belongs to. */
export const controlPlane = ({ catalog, settings, host }: Parts): ControlPlane => ({
  state: catalog.state,
  project: settings.project,
  host,
})

/** Holds the repository of new captures for this control plane. BUSY where another one has it: see `Repository.hold`. */
export async function holdRepository(parts: Parts, signal: AbortSignal): Promise<Disposable> {
  try {
    return (await repositoryOf(parts, captureTier).hold?.(controlPlane(parts), signal)) ?? new DisposableStack()
  } catch (error) {
    // A restore from another tier needs nothing of it, and whatever stores there asks for it before it touches anything.
    if (parts.repositories.size === 1 || !isAway(error)) throw error
    return new DisposableStack()
  }
}

/** Whether the error says that a repository is not there, or that another one is. */
export const isAway = (error: unknown): boolean =>
  isStranger(error) || (error instanceof BackupError && error.code === 'REPOSITORY_UNREACHABLE')

/** A repository elsewhere has so many seconds to say which one it is. restic goes on trying for a quarter of an hour. */
const answerSeconds = 30

/** Asks the repository of a tier which one it is. REPOSITORY_UNREACHABLE where one that lies elsewhere does not answer in time. */
export async function askTier(
  parts: Pick<Parts, 'repositories'>,
  tier: Tier,
  signal: AbortSignal,
): Promise<Repository> {
  const repository = repositoryOf(parts, tier)
  if (tier === captureTier) return repository
  using deadline = withDeadline(signal, answerSeconds, repository.url)
  try {
    await settleWith(deadline, () => repository.identity(deadline))
    return repository
  } catch (cause) {
    if (signal.aborted || !deadline.aborted) throw cause
    const message = `${repository.url} does not answer within ${answerSeconds} s`
    throw new BackupError('REPOSITORY_UNREACHABLE', message, { cause, hint: awayHint })
  }
}

const awayHint = 'Backups go on without it. Is the network up, and does the server run?'

/** The snapshots of one tier, oldest first. */
export async function listTier(
  parts: Pick<Parts, 'repositories'>,
  tier: Tier,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  return await (await askTier(parts, tier, signal)).list(signal)
}

/**
 * The snapshots of every host in one tier, oldest first. They are read and never removed. Where the repository is not limited to one host
 * they are those that it lists.
 */
export async function listEveryHost(
  parts: Pick<Parts, 'repositories'>,
  tier: Tier,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  const repository = await askTier(parts, tier, signal)
  return await (repository.listAll ?? repository.list)(signal)
}

/** The hosts whose snapshots the repositories hold. One that is away is passed over. */
export async function listHosts(parts: Pick<Parts, 'repositories'>, signal: AbortSignal): Promise<string[]> {
  const listings = await Promise.all(
    [...parts.repositories.keys()].map((tier) =>
      listEveryHost(parts, tier, signal).catch(() => {
        signal.throwIfAborted()
        return []
      }),
    ),
  )
  return hostsOf(listings.flat())
}

async function listHost(
  parts: Pick<Parts, 'repositories'>,
  tier: Tier,
  wanted: string,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  return (await listEveryHost(parts, tier, signal)).filter(({ host }) => host === wanted)
}

/** A tier that could not be listed. */
export interface AwayTier {
  tier: Tier
  error: BackupError
}

export interface ListOptions {
  /** Default: all. */
  tiers?: Tier[]
  /** The host whose snapshots are meant. Default: this one. */
  host?: string
  /** Is told of each tier that cannot be listed while another one can. Default: that is an error. */
  onAway?: (away: AwayTier) => void
}

/** Lists tiers, oldest snapshot first; a snapshot that several tiers hold is listed once. Throws where no tier can be listed. */
export async function listSnapshots(
  parts: Pick<Parts, 'repositories'>,
  signal: AbortSignal,
  { tiers = [...parts.repositories.keys()], host, onAway }: ListOptions = {},
): Promise<TieredSnapshot[]> {
  const away: AwayTier[] = []
  const listings = await Promise.all(
    tiers.map(async (tier) => {
      const listing = host === undefined ? listTier(parts, tier, signal) : listHost(parts, tier, host, signal)
      const snapshots = await listing.catch((error: unknown) => {
        signal.throwIfAborted()
        away.push({ tier, error: asBackupError(error) })
        return []
      })
      return { tier, snapshots }
    }),
  )
  const [first] = away
  if (first && (!onAway || away.length === tiers.length)) throw first.error
  for (const one of away) onAway?.(one)
  return joinTiers(listings)
}

function joinTiers(listings: { tier: Tier; snapshots: Snapshot[] }[]): TieredSnapshot[] {
  const found = new Map<string, TieredSnapshot>()
  for (const { tier, snapshots } of listings) {
    for (const snapshot of snapshots) {
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
  const hasId = (each: Snapshot) => each.id === id
  const snapshot =
    (await listTier(parts, tier, signal)).find(hasId) ?? (await listEveryHost(parts, tier, signal)).find(hasId)
  if (snapshot) return { ...snapshot, tiers: [tier] }
  throw goneError({ tier, id })
}

export const goneError = ({ tier, id }: SnapshotRef): BackupError =>
  new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${id} is gone from the ${tier} repository`)
