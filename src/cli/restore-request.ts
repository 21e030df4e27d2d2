import { BackupError, reportError } from '../errors.ts'
import type { RestoreResult } from '../job/job.ts'
import { listSnapshots, type TieredSnapshot } from '../job/repositories.ts'
import { chooseSnapshot, type RestoreRequest } from '../job/restore/plan.ts'
import { type BrokenTarget, type Plan, type Target, targetKey } from '../plan/plan.ts'
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
import { targetKeyOf } from './target-key.ts'

export interface RestoreOptions {
  all?: boolean
  at: string
  set?: string
  only: string[]
  to?: string
  from?: string
  dryRun?: boolean
  yes?: boolean
  safety: boolean
}

/** A target of the stack, or one that is known by its snapshots only. */
type Candidate = Target | BrokenTarget | StoredTarget

/** What to ask the job for, and a result for each target that it cannot be asked for. */
export async function chooseRestores(session: Session, plan: Plan, names: string[], options: RestoreOptions) {
  const at = readOptions(session, names, options)
  const snapshots = await listSnapshots(session.parts, session.signal)
  const stored = storedTargets(snapshots)
  const chosen = options.all
    ? everyRestore(plan, snapshots, options)
    : chooseTargets<Candidate>(uniteTargets<Candidate>(allTargets(plan), stored), names)
  const refused = chosen.flatMap((target) => refuse(target, snapshots, at, options) ?? [])
  const refusedKeys = new Set(refused.map(targetKeyOf))
  const request: RestoreRequest = {
    targets: chosen
      .filter((target) => !refusedKeys.has(targetKey(target)))
      .map(({ project, name }) => ({ project, name })),
    at,
    ...(options.set !== undefined && { set: options.set }),
    ...(options.only.length > 0 && { only: options.only }),
    ...(options.to !== undefined && { to: options.to }),
  }
  return { request, refused }
}

/** The one target that files of another program are for. */
export function chooseImport(plan: Plan, names: string[], { all, at, set, to }: RestoreOptions): Target {
  const others = Object.entries({ '--all': all, '--at': at !== 'latest', '--set': set, '--to': to })
  const odd = others.find(([, given]) => given)?.[0]
  if (odd) throw new BackupError('USAGE', `--from and ${odd} exclude each other`)
  if (names.length !== 1) throw new BackupError('USAGE', '--from PATH is for one target: name it')
  const [target] = chooseTargets(allTargets(plan), names)
  if (target?.kind === 'ready') return target
  throw brokenError(target as BrokenTarget)
}

function readOptions({ parts }: Session, names: string[], options: RestoreOptions): RestoreRequest['at'] {
  requireTargets(names, options.all === true)
  const several = options.all || names.length > 1
  const at = parseAt(options.at, parts.settings.timezone)
  if (options.set !== undefined && at !== 'latest') throw new BackupError('USAGE', '--set and --at exclude each other')
  if (several && typeof at === 'string' && at !== 'latest') {
    throw new BackupError('USAGE', `--at ${at} is one snapshot of one target`, {
      hint: 'Name the one target, or give a time, or --set ID for the snapshots of one quiesce window.',
    })
  }
  if (several && options.only.length > 0) throw new BackupError('USAGE', '--only takes files out of one target')
  return at
}

/** A set names its targets itself; without a stack (`--to`) the snapshots do. */
function everyRestore(plan: Plan, snapshots: TieredSnapshot[], { set, to }: RestoreOptions): Candidate[] {
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

/** Broken labels matter only where a container is touched. Of `--all`, what has no snapshot does not hold up the others. */
function refuse(
  target: Candidate,
  snapshots: TieredSnapshot[],
  at: RestoreRequest['at'],
  { all, set, to }: RestoreOptions,
): RestoreResult | undefined {
  if (to === undefined && target.kind === 'broken') return refusal(target, brokenError(target))
  if (!all) return undefined
  try {
    chooseSnapshot(snapshots, target, { at, ...(set !== undefined && { set }) })
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
  rolledBack: false,
  checks: [],
  warnings: [],
  error: reportError(error),
})
