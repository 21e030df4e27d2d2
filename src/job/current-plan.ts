import type { ContainerFacts } from '../engine/engine.ts'
import { BackupError, errorTable } from '../errors.ts'
import { withoutImageLabels } from '../plan/image-labels.ts'
import { makePlan } from '../plan/make-plan.ts'
import { type Plan, type ReplacedPaths, type Target, targetKey } from '../plan/plan.ts'
import { type Dependencies, readDependencies } from '../plan/stop-order.ts'
import { withGone } from './gone.ts'
import type { Parts } from './job.ts'
import { readImageLabels } from './read-image-labels.ts'

export interface CurrentPlan {
  plan: Plan
  dependencies: Dependencies
  /** Every container, without the labels of its image that do not count. Decisions beside the plan MUST be made of these. */
  containers: ContainerFacts[]
}

/**
 * Makes the plan from the containers of this moment. Ids change whenever compose creates a service anew. `replaced`: see `makePlan`.
 */
export async function currentPlan(parts: Parts, signal: AbortSignal, replaced?: ReplacedPaths): Promise<CurrentPlan> {
  return await planOf(parts, await parts.engine.list(signal), signal, replaced)
}

/** Makes the plan for a look at the stack. What stops or replaces anything MUST plan again under its locks. */
export async function observePlan(parts: Parts, signal: AbortSignal): Promise<Plan> {
  return (await planOf(parts, await parts.engine.list(signal, { recalls: true }), signal)).plan
}

async function planOf(
  parts: Parts,
  found: ContainerFacts[],
  signal: AbortSignal,
  replaced?: ReplacedPaths,
): Promise<CurrentPlan> {
  const listed = withGone(found, parts.catalog)
  const images = await readImageLabels(parts, listed, signal)
  return {
    plan: makePlan(listed, parts.settings, parts.methods, images, replaced),
    dependencies: readDependencies(listed),
    containers: listed.map((container) => withoutImageLabels(container, images)),
  }
}

/** Finds a target in the plan. Throws TARGET_BROKEN with its problems, or NO_SUCH_TARGET where no container is labelled as it. */
export function liveTarget(plan: Plan, wanted: { project: string; name: string }): Target {
  const same = (other: { project: string; name: string }) => targetKey(other) === targetKey(wanted)
  const target = plan.targets.find(same)
  if (target) return target
  const broken = plan.broken.find(same)
  if (broken)
    throw new BackupError('TARGET_BROKEN', broken.problems.map(({ label, reason }) => `${label}: ${reason}`).join('; '))
  const hint = `${errorTable.NO_SUCH_CONTAINER} Or write its snapshot beside the stack with --to DIR.`
  throw new BackupError('NO_SUCH_TARGET', `no container is labelled as ${targetKey(wanted)}`, { hint })
}
