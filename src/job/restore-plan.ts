import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError } from '../errors.ts'
import { type Plan, type Target, targetKey } from '../plan/plan.ts'
import type { Dependencies } from '../plan/stop-order.ts'
import type { Snapshot } from '../repository/repository.ts'
import { currentPlan } from './current-plan.ts'
import type { Parts } from './job.ts'

export interface RestoreRequest {
  targets: { project: string; name: string }[]
  /** The newest one; the newest one taken at or before an instant; the one of this id. Safety snapshots only by id. */
  at: 'latest' | Date | string
  /** Only snapshots of this quiesce window. */
  set?: string
  /** Single paths out of trees: in the container, or relative to the root of the tree. */
  only?: string[]
  /** Write beside the stack, into this directory; no container is touched. */
  to?: string
}

/** What a restore will do: shown by `--dry-run`, done by `runRestore`. Steps are in the order in which they are done. */
export interface RestorePlan {
  steps: RestoreStep[]
  /** Taken down for the whole restore, in this order. */
  down: ContainerFacts[]
  only?: string[]
  to?: string
}

export interface RestoreStep {
  project: string
  name: string
  snapshot: Snapshot
  /** Absent when the restore goes beside the stack. */
  target?: Target
}

/** A step that replaces what a container has. */
export type StepInPlace = RestoreStep & { target: Target }

export async function planRestore(parts: Parts, request: RestoreRequest, signal: AbortSignal): Promise<RestorePlan> {
  const snapshots = await parts.local.list(signal)
  const { only, to } = request
  const options = { ...(only && { only }), ...(to !== undefined && { to }) }
  const chosen = request.targets.map((wanted) => ({ ...wanted, snapshot: chooseSnapshot(snapshots, wanted, request) }))
  if (to !== undefined) return { steps: chosen, down: [], ...options }

  const { plan, dependencies } = await currentPlan(parts, signal)
  const steps = chosen.map((step) => ({ ...step, target: liveTarget(plan, step) }))
  if (only) for (const { target } of steps) refuseOnlyOfDump(target)
  return { ...inOrder(steps, dependencies), ...options }
}

/** Throws NO_SUCH_SNAPSHOT, naming what there is. */
export function chooseSnapshot(
  snapshots: Snapshot[],
  wanted: { project: string; name: string },
  { at, set }: Pick<RestoreRequest, 'at' | 'set'>,
): Snapshot {
  const own = snapshots.filter(({ project, target }) => project === wanted.project && target === wanted.name)
  const fits = own.filter((snapshot) => {
    if (set !== undefined && snapshot.set !== set) return false
    if (at === 'latest') return snapshot.reason !== 'safety'
    if (at instanceof Date) return snapshot.reason !== 'safety' && new Date(snapshot.time) <= at
    return snapshot.id === at
  })
  const newest = fits.toSorted((a, b) => a.time.localeCompare(b.time)).at(-1)
  if (newest) return newest
  const newestOwn = own.at(-1)
  const hint = newestOwn ? `It has ${own.length}, the newest ${newestOwn.id}; see xnai-backup list.` : undefined
  const what = set ?? (at instanceof Date ? `at or before ${at.toISOString()}` : at === 'latest' ? '' : at)
  throw new BackupError('NO_SUCH_SNAPSHOT', `${targetKey(wanted)} has no snapshot ${what}`.trim(), hint ? { hint } : {})
}

function liveTarget(plan: Plan, wanted: { project: string; name: string }): Target {
  const same = (other: { project: string; name: string }) => targetKey(other) === targetKey(wanted)
  const target = plan.targets.find(same)
  if (target) return target
  const broken = plan.broken.find(same)
  if (!broken) {
    const hint =
      'Create the service first (podman compose create), or write its snapshot beside the stack with --to DIR.'
    throw new BackupError('NO_SUCH_TARGET', `no container is labelled as ${targetKey(wanted)}`, { hint })
  }
  throw new BackupError('TARGET_BROKEN', broken.problems.map(({ label, reason }) => `${label}: ${reason}`).join('; '))
}

function refuseOnlyOfDump(target: Target): void {
  if (target.spec.method === 'files') return
  const reason = `--only takes paths out of trees; ${targetKey(target)} is a dump of method ${target.spec.method}`
  throw new BackupError('USAGE', reason, {
    hint: 'Write the dump to a directory with --to DIR and take out of it what you need.',
  })
}

/** What others depend on comes first. A tree's writers stay down all the while; a dump's server is steered by its method. */
function inOrder(steps: StepInPlace[], dependencies: Dependencies) {
  const order = dependencies.inStopOrder(new Set(steps.map(({ target }) => target.container))).toReversed()
  const rank = (step: StepInPlace) => order.findIndex(({ id }) => id === step.target.container.id)
  const down = new Map<string, ContainerFacts>()
  for (const { target } of steps) {
    for (const container of [...target.clients, ...target.quiesced]) down.set(container.id, container)
  }
  return { steps: steps.toSorted((a, b) => rank(a) - rank(b)), down: dependencies.inStopOrder(down.values()) }
}
