import { type Plan, type Target, targetKey, targetKeyOf } from '../plan/plan.ts'
import { keep, type Verdict } from '../plan/retention.ts'
import type { Snapshot, Tier } from '../repository/repository.ts'
import type { Parts } from './job.ts'
import { pinnedIn } from './pins.ts'
import { proofsFor } from './proofs.ts'

export interface JudgeOptions {
  /** The repository that holds the snapshots: each tier has a policy of its own. */
  tier: Tier
  /** See `KeepOptions`. */
  sparesPause?: boolean
  /** See `KeepOptions`. */
  waiting?: ReadonlySet<string>
}

/**
 * Decides for each snapshot of one repository whether retention keeps it, and why. Where the policy of a target is not known, because its
 * labels are gone or broken or somebody else looks after its project, all of its snapshots are kept.
 */
export function judge<S extends Snapshot>(
  parts: Pick<Parts, 'catalog' | 'clock' | 'settings'>,
  plan: Plan,
  snapshots: S[],
  options: JudgeOptions,
): Verdict<S>[] {
  const pinned = pinnedIn(parts, options.tier)
  const byTarget = Map.groupBy(snapshots, targetKeyOf)
  return [...byTarget].flatMap(([key, all]) => {
    const own = all.filter(({ unclaimed }) => !unclaimed)
    const others = all.filter(({ unclaimed }) => unclaimed).map(keepUnclaimed)
    const target = plan.targets.find((one) => targetKey(one) === key)
    const judged = target
      ? judgeTarget(parts, target, own, { ...options, pinned })
      : own.map(keepUnknown(parts, plan, key))
    return [...judged, ...others]
  })
}

function judgeTarget<S extends Snapshot>(
  { catalog, clock }: Pick<Parts, 'catalog' | 'clock'>,
  { project, name, retention, timezone }: Target,
  own: S[],
  { tier, ...options }: JudgeOptions & { pinned: ReadonlySet<string> },
): Verdict<S>[] {
  const latest = catalog.lastSnapshot(project, name)
  const verified = new Set(proofsFor(catalog, { project, target: name }).keys())
  const known = {
    verified,
    policy: retention[tier],
    timezone,
    now: clock.now(),
    ...(latest !== undefined && { latest }),
  }
  return keep(own, { ...known, ...options })
}

export const keepUnclaimed = <S extends Snapshot>(snapshot: S): Verdict<S> => ({
  snapshot,
  keep: true,
  reasons: ['names no host: an older version stored it, perhaps on another one'],
})

export const unlabelled = 'the target has no valid labels any more'

function keepUnknown({ settings }: Pick<Parts, 'settings'>, plan: Plan, key: string) {
  const isBroken = plan.broken.some((one) => targetKey(one) === key)
  return <S extends Snapshot>(snapshot: S): Verdict<S> => {
    const isForeign = settings.project !== undefined && settings.project !== snapshot.project
    const why = isForeign ? `its project is not ${settings.project}` : isBroken ? 'its labels are broken' : unlabelled
    return { snapshot, keep: true, reasons: [why] }
  }
}
