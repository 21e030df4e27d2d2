import { reportError } from '../../errors.ts'
import { currentPlan } from '../../job/current-plan.ts'
import { otherHost } from '../../job/other-hosts.ts'
import { type AwayTier, knownDamage, listSnapshots, repositoryOf } from '../../job/repositories.ts'
import { type Plan, targetKey, targetKeyOf } from '../../plan/plan.ts'
import { reportDamaged } from '../../report/damage.ts'
import { reportSnapshots } from '../../report/snapshots.ts'
import { notAmong } from '../../repository/known-damage.ts'
import type { TargetId, Tier } from '../../repository/repository.ts'
import { allTargets, chooseTargets, storedTargets, uniteTargets } from '../choose-targets.ts'
import type { Answer, CommandDefinition, Session } from '../command.ts'
import { renderList } from '../render/list.ts'
import { tellAway } from '../tell-away.ts'
import { tellOthers } from '../tell-others.ts'
import { tierOption } from '../tier-option.ts'

interface ListGiven {
  tier?: Tier
  host?: string
}

export const listCommand: CommandDefinition = {
  kind: 'read',
  define: (program, choose) =>
    program
      .command('list [TARGET]')
      .description('snapshots, with time, size and why each is kept')
      .addOption(tierOption('what one repository holds'))
      .option('--host <HOST>', 'what another host stored in a shared repository')
      .option('--json', 'one JSON document')
      .action((name: string | undefined, given: ListGiven) => choose((session) => list(session, name, given))),
}

async function list(session: Session, name: string | undefined, { tier, host: given }: ListGiven): Promise<Answer> {
  const { parts, signal } = session
  const host = otherHost(parts.host, given)
  if (tier) repositoryOf(parts, tier)
  const away: AwayTier[] = []
  const onAway = (one: AwayTier) => {
    away.push(one)
    tellAway(session)(one)
  }
  const [{ plan }, all] = await Promise.all([
    currentPlan(parts, signal),
    listSnapshots(parts, signal, { onAway, ...(host !== undefined && { host }) }),
  ])
  if (all.length === 0 && host === undefined) await tellOthers(session)
  // Their description cannot be read, so that no listing has them.
  const unlisted = host === undefined ? notAmong(knownDamage(parts), all) : []
  const isChosen = selectTarget(name, plan, [...all, ...unlisted])
  const isHeld = ({ tiers }: { tiers: Tier[] }) => tier === undefined || tiers.includes(tier)
  const snapshots = reportSnapshots(parts, plan, all, host).filter((one) => isHeld(one) && isChosen(one))
  const unreadable = unlisted.filter(isChosen).map(reportDamaged)
  return {
    document: { snapshots, unreadable, ...(away.length > 0 && { away: away.map(reportAway) }) },
    text: renderList(snapshots, unreadable, session.style),
    outcome: away.length === 0 ? 'complete' : 'incomplete',
  }
}

const reportAway = ({ tier, error }: AwayTier) => ({ tier, error: reportError(error) })

/** Says of a snapshot whether it is of the target that a TARGET argument means. Its labels may be gone, and it may have no snapshot. */
function selectTarget(name: string | undefined, plan: Plan, snapshots: TargetId[]): (snapshot: TargetId) => boolean {
  if (name === undefined) return () => true
  const known = uniteTargets<{ project: string; name: string }>(allTargets(plan), storedTargets(snapshots))
  const [target] = chooseTargets(known, [name])
  return (snapshot) => target !== undefined && targetKeyOf(snapshot) === targetKey(target)
}
