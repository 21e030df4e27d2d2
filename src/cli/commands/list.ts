import { currentPlan } from '../../job/current-plan.ts'
import { knownDamage, listSnapshots } from '../../job/repositories.ts'
import { type Plan, targetKey } from '../../plan/plan.ts'
import { reportDamaged } from '../../report/damage.ts'
import { reportSnapshots } from '../../report/snapshots.ts'
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
  const snapshots = reportSnapshots(parts, plan, stored).filter(isChosen)
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
