import { currentPlan } from '../../job/current-plan.ts'
import { judge } from '../../job/judge.ts'
import { knownDamage, listSnapshots, type TieredSnapshot } from '../../job/repositories.ts'
import { type Plan, targetKey } from '../../plan/plan.ts'
import { reportDamage, reportDamaged } from '../../report/damage.ts'
import { notAmong } from '../../repository/known-damage.ts'
import type { TargetId } from '../../repository/repository.ts'
import { allTargets, chooseTargets, storedTargets, uniteTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderList } from '../render/list.ts'
import { targetKeyOf } from '../target-key.ts'

export const listCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('list [TARGET]')
      .description('snapshots, with time, size and why each is kept')
      .option('--json', 'one JSON document')
      .action((name: string | undefined) => choose((session) => list(session, name))),
}

async function list(session: Session, name: string | undefined): Promise<Answer> {
  const { parts, signal } = session
  const [{ plan }, stored] = await Promise.all([currentPlan(parts, signal), listSnapshots(parts, signal)])
  // Their description cannot be read, so that no listing has them.
  const unlisted = notAmong(knownDamage(parts), stored)
  const isChosen = selectTarget(name, plan, [...stored, ...unlisted])
  const reasons = keptReasons(session, plan, stored)
  const snapshots = stored
    .filter(isChosen)
    .map((snapshot) => describeSnapshot(snapshot, reasons.get(snapshot.id) ?? []))
  const unreadable = unlisted.filter(isChosen).map(reportDamaged)
  return {
    document: { snapshots, unreadable },
    text: renderList(snapshots, unreadable, session.style),
    outcome: 'complete',
  }
}

/** Says of a snapshot whether it is of the target that a TARGET argument means. Its labels may be gone, and it may have no snapshot. */
function selectTarget(name: string | undefined, plan: Plan, snapshots: TargetId[]): (snapshot: TargetId) => boolean {
  if (name === undefined) return () => true
  const known = uniteTargets<{ project: string; name: string }>(allTargets(plan), storedTargets(snapshots))
  const [target] = chooseTargets(known, [name])
  return (snapshot) => target !== undefined && targetKeyOf(snapshot) === targetKey(target)
}

/** Answers by snapshot id why retention keeps it, in whichever tier; a snapshot that it does not keep has no reason. */
function keptReasons({ parts }: Session, plan: Plan, snapshots: TieredSnapshot[]): Map<string, string[]> {
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

function describeSnapshot(snapshot: TieredSnapshot, kept: string[]) {
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
    verified: null,
    kept,
    damaged: damaged ? reportDamage(damaged) : null,
  }
}
