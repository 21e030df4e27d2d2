import type { Intent, RollBackIntent, Run, ScheduleState } from '../catalog/catalog.ts'
import type { PruneEnd } from '../catalog/pruning.ts'
import type { ReplicationEnd } from '../catalog/replicating.ts'
import { asBackupError, type BackupError } from '../errors.ts'
import { observePlan } from '../job/current-plan.ts'
import type { Parts } from '../job/job.ts'
import { describeLeftovers, openIntents } from '../job/recover/leftovers.ts'
import { captureTier, listTier, repositoryOf } from '../job/repositories.ts'
import { lastKnownRemote } from '../job/waiting.ts'
import { type Plan, type Target, targetKey } from '../plan/plan.ts'
import { type KnownDamage, placeKey } from '../repository/known-damage.ts'
import type { Snapshot, Tier } from '../repository/repository.ts'
import { newestBackup } from './newest-backup.ts'
import { countItems } from './shrunk.ts'

/** What a report is computed from. The controller observes it in its passes, and the `status` command once. */
export interface ObservedState extends ObservedTargets {
  /** In the order in which a restore asks them. */
  repositories: ObservedRepository[]
  /** How the last removal of old snapshots ended. Absent: there was none. */
  pruned?: PruneEnd
  /** How the last copying to the remote repository ended. Absent: there was none. */
  replicated?: ReplicationEnd
}

/** The targets of the stack and what the catalog knows of them. Maps and sets are keyed by `targetKey`. */
export interface ObservedTargets {
  /** When the containers were listed. */
  now: Date
  plan: Plan
  schedules: ReadonlyMap<string, ScheduleState>
  /** Backup runs, newest first. */
  runs: ReadonlyMap<string, Run[]>
  /** Drills, newest first. */
  drills: ReadonlyMap<string, Run[]>
  /** Targets that a run of any process works on. */
  locked: ReadonlySet<string>
  /** Targets of whose newest backup damage is known. */
  damaged: ReadonlySet<string>
  /** What dead runs left behind and is not finished yet, as texts. */
  leftovers: string[]
  /** The restores among them of which an attempt to finish them has failed: their targets are between two states. */
  unfinished: RollBackIntent[]
}

/** What a repository holds. One that cannot be listed has an error and no snapshots. */
export interface ObservedRepository {
  tier: Tier
  /** As configured, without secrets. */
  url: string
  /** Oldest first. */
  snapshots: SnapshotSummary[]
  /** The damage that is known, of snapshots that cannot be listed too. */
  damaged: KnownDamage[]
  /** Absent where it is not known. */
  freeBytes?: number
  /** Whether somebody has put the key away. Absent where there is none, or it is not known. */
  isKeyConfirmed?: boolean
  /** With an error: what it held when it was listed last, as far as that is known. */
  known?: SnapshotSummary[]
  error?: BackupError
}

/** What reports need of a snapshot. Manifests hold much more, and the controller keeps these from pass to pass. */
export type SnapshotSummary = Pick<
  Snapshot,
  'id' | 'project' | 'target' | 'time' | 'reason' | 'bytes' | 'storedBytes' | 'damaged'
> & {
  /** What it holds, counted: keys, rows, documents or files. */
  items: number
}

/** Observes targets and repositories. Nothing is changed. Rejects when the containers cannot be listed. */
export async function observe(parts: Parts, signal: AbortSignal): Promise<ObservedState> {
  const [targets, repositories] = await Promise.all([observeTargets(parts, signal), observeRepositories(parts, signal)])
  return { ...targets, ...observeUpkeep(parts), repositories }
}

/** Reads how the last removal of old snapshots and the last copying ended. */
export function observeUpkeep({ catalog }: Pick<Parts, 'catalog'>): Pick<ObservedState, 'pruned' | 'replicated'> {
  const { last: pruned } = catalog.pruneState()
  const replicated = catalog.lastReplication()
  return { ...(pruned && { pruned }), ...(replicated && { replicated }) }
}

/** This is more than the attempts at one slot, and more than the on-change runs of six hours. */
const runsPerTarget = 20

/** Lists the containers and reads the catalog. Nothing is changed. */
export async function observeTargets(parts: Parts, signal: AbortSignal): Promise<ObservedTargets> {
  return observeCatalog(parts, await observePlan(parts, signal))
}

/** Reads what the catalog knows of the targets of a plan. The engine is not asked. */
export function observeCatalog(parts: Pick<Parts, 'catalog' | 'clock' | 'repositories'>, plan: Plan): ObservedTargets {
  const { catalog, clock } = parts
  const byTarget = <T>(read: (project: string, target: string) => T) =>
    new Map(plan.targets.map((target) => [targetKey(target), read(target.project, target.name)]))
  const schedules = byTarget(catalog.schedule)
  const runs = byTarget((project, target) => catalog.runs({ project, target, kind: 'backup', limit: runsPerTarget }))
  const drills = byTarget((project, target) => catalog.runs({ project, target, kind: 'drill', limit: runsPerTarget }))
  const damaged = damagedTargets(parts, plan.targets, runs)
  const locked = catalog.holders().flatMap(({ key }) => ('project' in key ? [targetKey(key)] : []))
  return {
    now: clock.now(),
    plan,
    schedules,
    runs,
    drills,
    locked: new Set(locked),
    damaged,
    leftovers: describeLeftovers(catalog),
    unfinished: openIntents(catalog).filter(hasFailed),
  }
}

const hasFailed = (intent: Intent): intent is RollBackIntent => intent.kind === 'roll-back' && intent.failed === true

/** The runs tell which backup is the newest, so that no repository need be listed for it. */
function damagedTargets(
  parts: Pick<Parts, 'catalog' | 'repositories'>,
  targets: Target[],
  runs: ReadonlyMap<string, Run[]>,
): Set<string> {
  const known = new Set(parts.catalog.damage.read(repositoryOf(parts, captureTier).url).map(placeKey))
  const isDamaged = ({ project, name }: Target) => {
    const { snapshot: id } = newestBackup(runs.get(targetKey({ project, name }))) ?? {}
    return id !== undefined && known.has(placeKey({ project, target: name, id }))
  }
  return new Set(targets.filter(isDamaged).map(targetKey))
}

/** Lists every repository. One that cannot be listed is reported as such; it does not hide the others. */
export async function observeRepositories(
  parts: Pick<Parts, 'repositories' | 'catalog' | 'host'>,
  signal: AbortSignal,
): Promise<ObservedRepository[]> {
  const { repositories, catalog } = parts
  const observed = [...repositories].map(async ([tier, repository]): Promise<ObservedRepository> => {
    const { url } = repository
    try {
      const snapshots = (await listTier(parts, tier, signal)).map(summarise)
      const freeBytes = await repository.freeBytes()
      const key = await repository.key?.(signal)
      return {
        ...{ tier, url, snapshots, damaged: catalog.damage.read(url) },
        ...(freeBytes !== undefined && { freeBytes }),
        ...(key && { isKeyConfirmed: catalog.confirmedKeys.has(key.code) }),
      }
    } catch (error) {
      signal.throwIfAborted()
      return failedRepository(parts, tier, asBackupError(error))
    }
  })
  return await Promise.all(observed)
}

/** What is known of a repository that cannot be listed. */
export function failedRepository(
  parts: Pick<Parts, 'repositories' | 'catalog' | 'host'>,
  tier: Tier,
  error: BackupError,
): ObservedRepository {
  const { url } = repositoryOf(parts, tier)
  const known = tier === captureTier ? [] : lastKnownRemote(parts).map(summarise)
  return { tier, url, snapshots: [], known, damaged: parts.catalog.damage.read(url), error }
}

const summarise = ({ damaged, ...snapshot }: Snapshot): SnapshotSummary => ({
  id: snapshot.id,
  project: snapshot.project,
  target: snapshot.target,
  time: snapshot.time,
  reason: snapshot.reason,
  bytes: snapshot.bytes,
  storedBytes: snapshot.storedBytes,
  items: countItems(snapshot),
  ...(damaged && { damaged }),
})
