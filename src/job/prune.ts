import type { Outcome } from '../catalog/catalog.ts'
import { asBackupError, BackupError, type ErrorReport, reportError } from '../errors.ts'
import { type Plan, targetKey, targetKeyOf } from '../plan/plan.ts'
import type { Verdict } from '../plan/retention.ts'
import { byAge } from '../repository/by-age.ts'
import type { KnownDamage } from '../repository/known-damage.ts'
import type { Snapshot, TargetId, Tier } from '../repository/repository.ts'
import { currentPlan } from './current-plan.ts'
import { type Parts, worstOutcome } from './job.ts'
import { judge, keepUnclaimed } from './judge.ts'
import { pinnedIn, removeUnpinned } from './pins.ts'
import { beginPrune } from './prune/begin.ts'
import { findUnreadable } from './prune/unreadable.ts'
import { captureTier, listTier, repositoryOf } from './repositories.ts'
import { waitingIds } from './waiting.ts'

export interface PruneRequest {
  tiers: Tier[]
  /** Default: all targets. */
  target?: { project: string; name: string }
  /** Removes every snapshot of `target`, whose labels must be gone. */
  all: boolean
  /** Removes nothing, and answers what would be removed. */
  dryRun: boolean
  /** See `KeepOptions`. Default: false. */
  sparesPause?: boolean
}

/** What was decided on the snapshots of one repository, oldest first. */
export interface PrunedRepository {
  tier: Tier
  url: string
  keep: Verdict<Snapshot>[]
  /** What was removed, or would be. */
  remove: Verdict<Snapshot>[]
  /** Snapshots whose description cannot be read, so that nothing is decided on them: see `removeUnreadable`. */
  unreadable: KnownDamage[]
  /** Keys of the targets whose policy is not known, so that all of their snapshots stay. */
  unknown: string[]
  /** Nothing can be deleted there, by its configuration, so that all of it stays. */
  appendOnly?: true
  /** Why the repository, or a part of it, could not be pruned. */
  error?: ErrorReport
}

/** The outcome of all repositories together. */
export const pruneOutcome = (pruned: PrunedRepository[]): Outcome =>
  worstOutcome(pruned.map(({ error }) => ({ outcome: error ? 'failed' : 'complete' })))

/**
 * Removes the snapshots that retention does not keep. Nothing is removed unless the labels are read and the repository is the known one.
 * BUSY while another process prunes, or where another control plane has the repository: it might need what would be removed. A
 * repository that fails does not keep another one from being pruned.
 */
export async function prune(parts: Parts, request: PruneRequest, signal: AbortSignal): Promise<PrunedRepository[]> {
  using _alone = request.dryRun ? undefined : await beginPrune(parts, request, signal)
  const { plan } = await currentPlan(parts, signal)
  if (request.target && request.all) refuseLabelled(parts, plan, request.target)
  const pruned: PrunedRepository[] = []
  for (const tier of request.tiers) pruned.push(await pruneTier(parts, plan, { ...request, tier }, signal))
  return pruned
}

/** A target with labels has a policy. What the labels of another project say is not known here. */
function refuseLabelled({ settings }: Parts, plan: Plan, target: { project: string; name: string }): void {
  const key = targetKey(target)
  if ([...plan.targets, ...plan.broken].some((one) => targetKey(one) === key)) {
    throw new BackupError('USAGE', `${key} still has labels: its retention decides which snapshots go`, {
      hint: 'Nothing was removed. Change xnai.backup.retention, or take the labels away first.',
    })
  }
  if (settings.project === undefined || settings.project === target.project) return
  throw new BackupError('USAGE', `whether ${key} still has labels is not known: this is project ${settings.project}`, {
    hint: `Nothing was removed. Run it with XNAI_BACKUP_PROJECT=${target.project}.`,
  })
}

type TierRequest = PruneRequest & { tier: Tier; waiting?: ReadonlySet<string> }

async function pruneTier(
  parts: Parts,
  plan: Plan,
  request: TierRequest,
  signal: AbortSignal,
): Promise<PrunedRepository> {
  const { tier } = request
  const { url, appendOnly } = repositoryOf(parts, tier)
  const list = (until: AbortSignal) => listTier(parts, tier, until)
  let decided: Decided = { keep: [], remove: [], unreadable: [], unknown: [] }
  try {
    const listed = await list(signal)
    if (appendOnly) return { tier, url, appendOnly, ...keepAll(listed) }
    const waiting = tier === captureTier ? await waitingIds(parts, plan, listed, signal) : new Set<string>()
    decided = decide(parts, plan, listed, { ...request, waiting })
    if (request.dryRun) return { tier, url, ...decided }
    if (tier !== captureTier) await repositoryOf(parts, tier).sweep(signal)
    const ids = decided.remove.map(({ snapshot }) => snapshot.id)
    const gone = await removeUnpinned(parts, tier, ids, signal)
    return { tier, url, ...settle(decided, gone, 'in use') }
  } catch (error) {
    if (signal.aborted) throw error
    const left = await list(signal).catch(() => decided.remove.map(({ snapshot }) => snapshot))
    const gone = decided.remove.flatMap(({ snapshot: { id } }) => (left.some((one) => one.id === id) ? [] : [id]))
    return { tier, url, ...settle(decided, gone, 'could not be removed'), error: reportError(asBackupError(error)) }
  }
}

const keepAll = (listed: Snapshot[]): Decided => ({
  keep: listed.map((snapshot) => ({ snapshot, keep: true, reasons: ['nothing can be deleted there'] })),
  remove: [],
  unreadable: [],
  unknown: [],
})

type Decided = Pick<PrunedRepository, 'keep' | 'remove' | 'unreadable' | 'unknown'>

function decide(parts: Parts, plan: Plan, listed: Snapshot[], request: TierRequest): Decided {
  const { target, all } = request
  const isMeant = (one: TargetId) => !target || (one.project === target.project && one.target === target.name)
  const snapshots = listed.filter(isMeant)
  const unreadable = findUnreadable(parts, request.tier, listed).filter(isMeant)
  const verdicts = target && all ? takeAll(parts, snapshots, request) : judge(parts, plan, snapshots, request)
  const { keep = [], remove = [] } = Object.groupBy(verdicts.toSorted(bySnapshot), (one) =>
    one.keep ? 'keep' : 'remove',
  )
  const known = new Set(plan.targets.map(targetKey))
  const keys = new Set(keep.map(({ snapshot }) => targetKeyOf(snapshot)))
  return { keep, remove, unreadable, unknown: [...keys].filter((key) => !known.has(key)) }
}

const bySnapshot = (a: Verdict<Snapshot>, b: Verdict<Snapshot>): number => byAge(a.snapshot, b.snapshot)

function takeAll(parts: Parts, snapshots: Snapshot[], { tier }: TierRequest): Verdict<Snapshot>[] {
  const pinned = pinnedIn(parts, tier)
  return snapshots.map((snapshot) => {
    if (snapshot.unclaimed) return keepUnclaimed(snapshot)
    const keep = pinned.has(snapshot.id)
    return { snapshot, keep, reasons: [keep ? 'in use' : 'all snapshots of the target were to go'] }
  })
}

/** What was to be removed and is not gone is kept after all. */
function settle({ keep, remove, ...rest }: Decided, gone: string[], why: string): Decided {
  const { left = [], removed = [] } = Object.groupBy(remove, ({ snapshot }) =>
    gone.includes(snapshot.id) ? 'removed' : 'left',
  )
  const kept = left.map(({ snapshot }) => ({ snapshot, keep: true, reasons: [why] }))
  return { keep: [...keep, ...kept].toSorted(bySnapshot), remove: removed, ...rest }
}
