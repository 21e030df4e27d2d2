import type { ContainerFacts } from '../../engine/engine.ts'
import { BackupError } from '../../errors.ts'
import { pathsWithin } from '../../lib/tree/only.ts'
import { isInFuture } from '../../plan/dated.ts'
import { groupKey, type Target, targetKey } from '../../plan/plan.ts'
import type { Dependencies } from '../../plan/stop-order.ts'
import { explainDamage } from '../../repository/known-damage.ts'
import type { Snapshot } from '../../repository/repository.ts'
import { methodOf } from '../capture.ts'
import { currentPlan, liveTarget } from '../current-plan.ts'
import type { Parts } from '../job.ts'
import { listSnapshots, type TieredSnapshot } from '../repositories.ts'
import { findHostPlace, type HostPlace } from './host-place.ts'
import { refuseUnknownPaths } from './only.ts'
import { replacedBySteps } from './replaced-paths.ts'

export interface RestoreRequest {
  targets: { project: string; name: string }[]
  /**
   * Selects the newest snapshot that is not dated in the future, the newest one at or before an instant, or the one of an id. A safety
   * snapshot is selected by id only.
   */
  at: 'latest' | Date | string
  /** Those to choose from, with the copies that may be read. Default: all that any repository holds. */
  snapshots?: TieredSnapshot[]
  /** Selects only snapshots of this quiesce window. */
  set?: string
  /** Restores only these paths of trees, given as paths in the container or relative to the root of the tree. */
  only?: string[]
  /** Writes into this directory of the host and touches no container. */
  to?: string
  /** Nothing is read back, so that what is known of damage has to do. */
  dryRun?: true
}

/** What a restore will do. `--dry-run` shows it, `runRestore` carries it out. Steps are in order of execution. */
export interface RestorePlan {
  steps: RestoreStep[]
  /** Containers that are down for the whole restore, in stop order. */
  down: ContainerFacts[]
  /** What a restore stops and starts again: those of `down` that run, and services that their method stops. In stop order. */
  restarts: ContainerFacts[]
  only?: string[]
  to?: HostPlace
}

export interface RestoreStep {
  project: string
  name: string
  snapshot: TieredSnapshot
  /** Absent when the restore writes beside the stack. */
  target?: Target
}

/** A step that replaces the data of a container. */
export type StepInPlace = RestoreStep & { target: Target }

export async function planRestore(parts: Parts, request: RestoreRequest, signal: AbortSignal): Promise<RestorePlan> {
  const { only } = request
  const to = request.to === undefined ? undefined : await findHostPlace(parts, '--to', request.to)
  const options = { ...(only && { only }), ...(to && { to }) }
  const snapshots = request.snapshots ?? (await listSnapshots(parts, signal))
  const now = parts.clock.now()
  const chosen = request.targets.map((wanted) => ({
    ...wanted,
    snapshot: chooseSnapshot(snapshots, wanted, request, now),
  }))
  for (const { snapshot } of only ? chosen : []) {
    refuseOnly(snapshot, only ?? [])
    await refuseUnknownPaths(parts, snapshot, only ?? [], signal)
  }
  if (to) return { steps: chosen, down: [], restarts: [], ...options }
  const { plan } = await currentPlan(parts, signal)
  const live = chosen.map((step) => ({ ...step, target: liveTarget(plan, step) }))
  const aligned = alignSets(selectable(snapshots, request, now), live, request)
  for (const { snapshot } of aligned) refuseKnownDamage(snapshot, snapshots, request, now)
  const { steps, down } = await placeSteps(parts, aligned, only, signal)
  return { steps, down, restarts: findRestarts(parts, steps, down), ...options }
}

function findRestarts(parts: Parts, steps: StepInPlace[], down: ContainerFacts[]): ContainerFacts[] {
  const own = steps
    .filter(({ target }) => methodOf(parts, target.spec).stopsService)
    .map(({ target }) => target.container)
  const all = [...down, ...own.toReversed()].filter(({ state }) => state === 'running')
  return [...new Map(all.map((container) => [container.id, container])).values()]
}

/** Plans each target for the paths that its snapshot replaces, orders the steps, and lists what is down meanwhile. */
async function placeSteps(parts: Parts, steps: RestoreStep[], only: string[] | undefined, signal: AbortSignal) {
  const replaced = replacedBySteps(parts, { steps, ...(only && { only }) })
  const { plan, dependencies } = await currentPlan(parts, signal, replaced)
  return orderSteps(
    steps.map((step) => ({ ...step, target: liveTarget(plan, step) })),
    dependencies,
  )
}

/**
 * Takes the targets of a group from the newest set that has all of them, so that they fit together; else each from its own
 * newest.
 */
function alignSets(snapshots: TieredSnapshot[], steps: StepInPlace[], request: RestoreRequest): StepInPlace[] {
  if (request.set !== undefined || (typeof request.at === 'string' && request.at !== 'latest')) return steps
  const groups = [...Map.groupBy(steps, ({ target }) => groupKey(target)).values()]
  const chosen = groups.flatMap((members) => {
    const sets = new Set(snapshots.toReversed().map(({ set }) => set))
    for (const set of sets) {
      const aligned = members.flatMap((step) => findSnapshot(snapshots, step, { at: request.at, set }) ?? [])
      if (aligned.length === members.length)
        return members.map((step, index) => ({ ...step, snapshot: aligned[index] as TieredSnapshot }))
    }
    return members
  })
  return steps.map((step) => chosen.find(({ target }) => target === step.target) ?? step)
}

/** A wrong clock MUST NOT choose what is the latest. Who names a set, a time or an id has chosen. */
function selectable(snapshots: TieredSnapshot[], { at, set }: Pick<RestoreRequest, 'at' | 'set'>, now: Date) {
  const isOpen = at === 'latest' && set === undefined
  return isOpen ? snapshots.filter(({ time }) => !isInFuture(time, now)) : snapshots
}

/** Finds the snapshot of a target. Throws NO_SUCH_SNAPSHOT with a hint at those that exist, SNAPSHOT_DAMAGED as `refuseKnownDamage`. */
export function chooseSnapshot(
  snapshots: TieredSnapshot[],
  wanted: Named,
  request: Pick<RestoreRequest, 'at' | 'set' | 'dryRun'>,
  now: Date,
): TieredSnapshot {
  const found = findSnapshot(selectable(snapshots, request, now), wanted, request)
  if (found) return refuseKnownDamage(found, snapshots, request, now)
  const { at, set } = request
  const hint = hintAt(
    snapshots.filter((snapshot) => isOf(snapshot, wanted)),
    now,
  )
  const which = set ?? (at instanceof Date ? `at or before ${at.toISOString()}` : at === 'latest' ? '' : at)
  throw new BackupError('NO_SUCH_SNAPSHOT', `${targetKey(wanted)} has no snapshot ${which}`.trim(), hint)
}

/**
 * Throws SNAPSHOT_DAMAGED for a snapshot of which damage is known, with a hint at the newest whole one. Who names it by its id has it read
 * anew by the restore, which then says itself what it found.
 */
function refuseKnownDamage(
  snapshot: TieredSnapshot,
  snapshots: TieredSnapshot[],
  request: Pick<RestoreRequest, 'at' | 'set' | 'dryRun'>,
  now: Date,
): TieredSnapshot {
  const { damaged, id, project, target: name } = snapshot
  const isNamed = typeof request.at === 'string' && request.at !== 'latest'
  if (!damaged || (isNamed && !request.dryRun)) return snapshot
  const whole = snapshots.filter((each) => !each.damaged && !isInFuture(each.time, now))
  const instead =
    findSnapshot(whole, { project, name }, request) ?? findSnapshot(whole, { project, name }, { at: 'latest' })
  const way = instead ? `The newest whole one: --at ${instead.id}.` : 'No whole one is left.'
  throw new BackupError(
    'SNAPSHOT_DAMAGED',
    `snapshot ${id} of ${targetKey({ project, name })} is damaged: ${explainDamage(damaged.files)}`,
    {
      hint: `Nothing was touched. ${way} If the disk is mended, --at ${id} reads it anew.`,
    },
  )
}

function hintAt(own: TieredSnapshot[], now: Date): { hint?: string } {
  const newest = own.findLast(({ reason }) => reason !== 'safety')
  if (!newest) return own.length === 0 ? {} : { hint: onlySafety }
  const has = `It has ${own.length}, the newest ${newest.id}`
  if (!isInFuture(newest.time, now)) return { hint: `${has}; see xnai-backup list.` }
  return { hint: `${has}, which is dated in the future: is the clock right? Name a snapshot by --at ID to restore it.` }
}

const onlySafety = 'It has only safety snapshots, which are restored by their id: --at ID; see xnai-backup list.'

type Named = { project: string; name: string }

const isOf = ({ project, target }: Snapshot, wanted: Named) => project === wanted.project && target === wanted.name

function findSnapshot(snapshots: TieredSnapshot[], wanted: Named, { at, set }: Pick<RestoreRequest, 'at' | 'set'>) {
  const fits = (snapshot: Snapshot) => {
    if (!isOf(snapshot, wanted) || (set !== undefined && snapshot.set !== set)) return false
    if (typeof at === 'string' && at !== 'latest') return snapshot.id === at
    return snapshot.reason !== 'safety' && (at === 'latest' || new Date(snapshot.time) <= (at as Date))
  }
  return snapshots
    .filter(fits)
    .toSorted((a, b) => a.time.localeCompare(b.time))
    .at(-1)
}

/** Refuses a path that does not lead into exactly one tree of the snapshot. */
function refuseOnly({ target, method, artifacts }: Snapshot, only: string[]): void {
  if (method !== 'files') {
    throw new BackupError('USAGE', `--only takes files out of trees; ${target} was backed up by method ${method}`, {
      hint: 'Write the snapshot to a directory with --to DIR and take out of it what you need.',
    })
  }
  const origins = artifacts.map(({ origin = '' }) => origin)
  for (const path of only) {
    const trees = origins.filter((origin) => pathsWithin(origin, [path])?.length)
    if (trees.length === 1) continue
    const reason = trees.length === 0 ? 'lies in no tree' : 'may lie in any of several trees'
    throw new BackupError('USAGE', `${path} ${reason} of ${target}`, {
      hint: `Give the path as it is in the container; the snapshot holds ${origins.join(', ')}.`,
    })
  }
}

/**
 * Orders steps so that dependencies come before their dependents. Writers of trees stay down meanwhile; a method that dumps
 * controls its server itself.
 */
export function orderSteps(steps: StepInPlace[], dependencies: Dependencies) {
  const order = dependencies.inStopOrder(new Set(steps.map(({ target }) => target.container))).toReversed()
  const rank = (step: StepInPlace) => order.findIndex(({ id }) => id === step.target.container.id)
  const down = new Map<string, ContainerFacts>()
  for (const { target } of steps) {
    for (const container of [...target.clients, ...target.writers]) down.set(container.id, container)
  }
  return { steps: steps.toSorted((a, b) => rank(a) - rank(b)), down: dependencies.inStopOrder(down.values()) }
}
