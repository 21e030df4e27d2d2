import { BackupError, reportError } from '../errors.ts'
import type { RestoreResult } from '../job/job.ts'
import { otherHost } from '../job/other-hosts.ts'
import { listSnapshots, type TieredSnapshot } from '../job/repositories.ts'
import { chooseSnapshot, type RestoreRequest } from '../job/restore/plan.ts'
import { type BrokenTarget, type Plan, type Target, targetKey, targetKeyOf } from '../plan/plan.ts'
import type { Tier } from '../repository/repository.ts'
import {
  allTargets,
  brokenError,
  chooseTargets,
  everyTarget,
  requireTargets,
  type StoredTarget,
  storedTargets,
  uniteTargets,
} from './choose-targets.ts'
import type { Session } from './command.ts'
import { parseAt } from './parse-at.ts'
import { tellAway } from './tell-away.ts'
import { tellOthers } from './tell-others.ts'

/** The options of `restore` as the command line gives them. */
export interface RestoreOptions {
  all?: boolean
  /** Default `latest`. */
  at: string
  set?: string
  /** Default: the first that holds a whole copy. */
  tier?: Tier
  /** Empty when the option was not given. */
  only: string[]
  to?: string
  from?: string
  /** The host whose snapshots are meant. Default: this one. */
  fromHost?: string
  dryRun?: boolean
  yes?: boolean
  /** False with `--no-safety`. */
  safety: boolean
}

/** A target of the stack, or one that only its snapshots name. */
type Candidate = Target | BrokenTarget | StoredTarget

/**
 * Chooses what the restore job is asked for. A set alone means all of its targets. `refused` holds a failed result for each chosen
 * target that cannot be restored. Throws USAGE for options that exclude each other.
 */
export async function chooseRestores(session: Session, plan: Plan, names: string[], given: RestoreOptions) {
  const options = names.length === 0 && given.set !== undefined ? { ...given, all: true } : given
  const at = readOptions(session, names, options)
  const host = otherHost(session.parts.host, options.fromHost)
  if (host !== undefined) refuseWithoutWayBack(options)
  const tiers = options.tier && { tiers: [options.tier] }
  const listing = { ...tiers, ...(host !== undefined && { host }), onAway: tellAway(session) }
  const snapshots = await listSnapshots(session.parts, session.signal, listing)
  if (snapshots.length === 0 && host === undefined) await tellOthers(session)
  const stored = storedTargets(snapshots)
  const chosen = options.all
    ? everyCandidate(plan, snapshots, options)
    : chooseTargets<Candidate>(uniteTargets<Candidate>(allTargets(plan), stored), names)
  const now = session.parts.clock.now()
  const refused = chosen.flatMap((target) => refuse(target, { snapshots, now }, at, options) ?? [])
  const refusedKeys = new Set(refused.map(targetKeyOf))
  const request: RestoreRequest = {
    targets: chosen
      .filter((target) => !refusedKeys.has(targetKey(target)))
      .map(({ project, name }) => ({ project, name })),
    at,
    snapshots,
    ...(options.set !== undefined && { set: options.set }),
    ...(options.only.length > 0 && { only: options.only }),
    ...(options.to !== undefined && { to: options.to }),
    ...(options.dryRun && { dryRun: true as const }),
  }
  return { request, refused }
}

/** The other host may remove the snapshot meanwhile: nothing here can keep it from that, and what was there before must come back then. */
function refuseWithoutWayBack({ safety, to }: RestoreOptions): void {
  if (safety || to !== undefined) return
  throw new BackupError('USAGE', '--from-host and --no-safety exclude each other', {
    hint: 'Nothing was touched. Use --to DIR where no safety snapshot can be taken.',
  })
}

/** Chooses the one target that files of another program are restored to. Throws USAGE when the arguments name more or none. */
export function chooseImport(
  plan: Plan,
  names: string[],
  { all, at, set, tier, to, fromHost }: RestoreOptions,
): Target {
  const excluded = Object.entries({
    '--all': all,
    '--at': at !== 'latest',
    '--set': set,
    '--tier': tier,
    '--to': to,
    '--from-host': fromHost,
  })
  const given = excluded.find(([, isGiven]) => isGiven)?.[0]
  if (given) throw new BackupError('USAGE', `--from and ${given} exclude each other`)
  if (names.length !== 1) throw new BackupError('USAGE', '--from FILE is for one target: name it')
  const [target] = chooseTargets(allTargets(plan), names)
  if (target?.kind === 'ready') return target
  throw brokenError(target as BrokenTarget)
}

function readOptions({ parts }: Session, names: string[], options: RestoreOptions): RestoreRequest['at'] {
  requireTargets(names, options.all === true)
  const several = options.all || names.length > 1
  const at = parseAt(options.at, { timezone: parts.settings.timezone, now: parts.clock.now() })
  if (options.set !== undefined && at !== 'latest') throw new BackupError('USAGE', '--set and --at exclude each other')
  if (several && typeof at === 'string' && at !== 'latest') {
    throw new BackupError('USAGE', `--at ${at} is one snapshot of one target`, {
      hint: 'Name the one target, or give a time, or --set ID for the snapshots that were taken together.',
    })
  }
  if (several && options.only.length > 0) throw new BackupError('USAGE', '--only takes files out of one target')
  return at
}

/** The targets that `--all` means: with `--set` those of the set, with `--to` those that have snapshots, else those of the stack. */
function everyCandidate(plan: Plan, snapshots: TieredSnapshot[], { set, to }: RestoreOptions): Candidate[] {
  if (set !== undefined) {
    const members = snapshots.filter((snapshot) => snapshot.set === set)
    if (members.length === 0) throw new BackupError('NO_SUCH_SNAPSHOT', `there is no set ${set}`)
    return uniteTargets<Candidate>(allTargets(plan), storedTargets(members)).filter((target) =>
      members.some((snapshot) => targetKeyOf(snapshot) === targetKey(target)),
    )
  }
  if (to !== undefined && snapshots.length > 0) return storedTargets(snapshots)
  return everyTarget(plan)
}

/**
 * Answers a failed result for a target that cannot be restored, so that it does not keep the others from being restored. A broken
 * target is refused only when its container would be touched. A target without a snapshot is refused only with `--all`; when it was
 * named, the job fails as a whole.
 */
function refuse(
  target: Candidate,
  { snapshots, now }: { snapshots: TieredSnapshot[]; now: Date },
  at: RestoreRequest['at'],
  { all, set, to }: RestoreOptions,
): RestoreResult | undefined {
  if (to === undefined && target.kind === 'broken') return refusal(target, brokenError(target))
  if (!all) return undefined
  try {
    chooseSnapshot(snapshots, target, { at, ...(set !== undefined && { set }) }, now)
    return undefined
  } catch (error) {
    return refusal(target, error)
  }
}

const refusal = ({ project, name }: Candidate, error: unknown): RestoreResult => ({
  project,
  target: name,
  outcome: 'failed',
  seconds: 0,
  downtimeSeconds: 0,
  rolledBack: false,
  checks: [],
  warnings: [],
  error: reportError(error),
})
