import type { Parts } from '../job/job.ts'
import { judge } from '../job/judge.ts'
import { allProofs } from '../job/proofs.ts'
import type { TieredSnapshot } from '../job/repositories.ts'
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

/** Describes snapshots of all targets, in their order. */
export function reportSnapshots(parts: Judging, plan: Plan, snapshots: TieredSnapshot[]): SnapshotReport[] {
  const reasons = keptReasons(parts, plan, snapshots)
  const proofs = allProofs(parts.catalog, snapshots)
  return snapshots.map((one) => describeSnapshot(one, reasons.get(one.id) ?? [], proofs.get(one.id) ?? null))
}

/** Answers by snapshot id why retention keeps it, in whichever tier; a snapshot that it does not keep has no reason. */
function keptReasons(parts: Judging, plan: Plan, snapshots: TieredSnapshot[]): Map<string, string[]> {
  const verdicts = [...parts.repositories.keys()].flatMap((tier) =>
    judge(
      parts,
      plan,
      snapshots.filter(({ tiers }) => tiers.includes(tier)),
      { tier },
    ),
  )
  const byId = Map.groupBy(verdicts, ({ snapshot }) => snapshot.id)
  return new Map(
    [...byId].map(([id, own]) => [id, [...new Set(own.flatMap(({ keep, reasons }) => (keep ? reasons : [])))]]),
  )
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
