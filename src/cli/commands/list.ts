import { currentPlan } from '../../job/current-plan.ts'
import { listSnapshots, type TieredSnapshot } from '../../job/repositories.ts'
import { type Plan, targetKey } from '../../plan/plan.ts'
import { keep } from '../../plan/retention.ts'
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
  const { plan } = await currentPlan(session.parts, session.signal)
  const stored = await listSnapshots(session.parts, session.signal)
  const chosen = name === undefined ? stored : snapshotsOf(stored, name, plan)
  const reasons = keptReasons(session, plan, stored)
  const snapshots = chosen.map((snapshot) => describeSnapshot(snapshot, reasons.get(snapshot.id) ?? []))
  return { document: { snapshots }, text: renderList(snapshots, session.style), outcome: 'complete' }
}

/** The snapshots of the target that a TARGET argument means. Its labels may be gone, and it may have no snapshot yet. */
function snapshotsOf(snapshots: TieredSnapshot[], name: string, plan: Plan): TieredSnapshot[] {
  const [target] = chooseTargets(
    uniteTargets<{ project: string; name: string }>(allTargets(plan), storedTargets(snapshots)),
    [name],
  )
  return snapshots.filter((snapshot) => target && targetKeyOf(snapshot) === targetKey(target))
}

/** Answers by snapshot id why retention keeps it; a snapshot that it does not keep has no reason. */
function keptReasons({ parts }: Session, plan: Plan, snapshots: TieredSnapshot[]): Map<string, string[]> {
  const now = parts.clock.now()
  return new Map(
    storedTargets(snapshots).flatMap((stored) => {
      const own = snapshots.filter((snapshot) => targetKeyOf(snapshot) === targetKey(stored))
      const target = plan.targets.find((candidate) => targetKey(candidate) === targetKey(stored))
      if (!target) return own.map(({ id }) => [id, ['the target has no valid labels any more']] as const)
      const verdicts = keep(own, { policy: target.retention.local, timezone: target.timezone, now })
      return verdicts.map(({ snapshot, keep, reasons }) => [snapshot.id, keep ? reasons : []] as const)
    }),
  )
}

function describeSnapshot(snapshot: TieredSnapshot, kept: string[]) {
  const { id, project, target, method, time, set, bytes, storedBytes, files, reason, raw, tiers } = snapshot
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
  }
}
