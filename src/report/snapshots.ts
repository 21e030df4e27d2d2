import type { Parts } from '../job/job.ts'
import { judge } from '../job/judge.ts'
import { allProofs } from '../job/proofs.ts'
import { captureTier, type TieredSnapshot } from '../job/repositories.ts'
import { waitingCopies } from '../job/waiting.ts'
import type { Proof } from '../plan/drills.ts'
import type { Plan } from '../plan/plan.ts'
import type { Tier } from '../repository/repository.ts'
import { type DamageReport, reportDamage } from './damage.ts'

/** One snapshot, as `list --json` prints it. */
export interface SnapshotReport {
  id: string
  project: string
  target: string
  method: string
  time: string
  set: string
  bytes: number
  storedBytes: number
  files: number
  reason: TieredSnapshot['reason']
  /** It holds the data paths as they lay on disk. */
  raw?: true
  tiers: Tier[]
  /** The newest drill that has verified it. */
  verified: Proof | null
  /** Why retention keeps it; empty where it does not. */
  kept: string[]
  damaged: DamageReport | null
}

type Judging = Pick<Parts, 'catalog' | 'clock' | 'settings' | 'repositories'>

/** Describes snapshots of all targets, in their order. `host`: another one that stored them, whose retention is not known here. */
export function reportSnapshots(
  parts: Judging,
  plan: Plan,
  snapshots: TieredSnapshot[],
  host?: string,
): SnapshotReport[] {
  const reasons =
    host === undefined
      ? keptReasons(parts, plan, snapshots)
      : new Map(snapshots.map(({ id }) => [id, [`host ${host} decides`]]))
  const proofs = allProofs(parts.catalog, snapshots)
  return snapshots.map((one) => describeSnapshot(one, reasons.get(one.id) ?? [], proofs.get(one.id) ?? null))
}

/** Answers by snapshot id why retention keeps it, of several tiers with the name of each; one that it does not keep has no reason. */
function keptReasons(parts: Judging, plan: Plan, snapshots: TieredSnapshot[]): Map<string, string[]> {
  const held = (tier: Tier) => snapshots.filter(({ tiers }) => tiers.includes(tier))
  const several = parts.repositories.size > 1
  const waiting = new Set(several ? waitingCopies(parts, plan, held('local'), held('remote')).map(({ id }) => id) : [])
  const reasons = [...parts.repositories.keys()].flatMap((tier) =>
    judge(parts, plan, held(tier), { tier, ...(tier === captureTier && { waiting }) }).flatMap(
      ({ snapshot, keep, reasons }) =>
        keep ? reasons.map((reason) => ({ id: snapshot.id, reason: several ? `${tier}: ${reason}` : reason })) : [],
    ),
  )
  const byId = Map.groupBy(reasons, ({ id }) => id)
  return new Map([...byId].map(([id, own]) => [id, [...new Set(own.map(({ reason }) => reason))]]))
}

function describeSnapshot(snapshot: TieredSnapshot, kept: string[], verified: Proof | null): SnapshotReport {
  const { id, project, target, method, time, set, bytes, storedBytes, files, reason, raw, tiers, damaged } = snapshot
  return {
    id,
    project,
    target,
    method,
    time,
    set,
    bytes,
    storedBytes,
    files,
    reason,
    ...(raw && { raw }),
    tiers,
    verified,
    kept,
    damaged: damaged ? reportDamage(damaged) : null,
  }
}
