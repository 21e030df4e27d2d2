import { makePlan } from '../plan/make-plan.ts'
import type { Plan } from '../plan/plan.ts'
import { type Dependencies, readDependencies } from '../plan/stop-order.ts'
import type { Parts } from './job.ts'

/** Plan and dependencies as the containers are at this moment: ids change whenever compose creates a service anew. */
export async function currentPlan(
  parts: Parts,
  signal: AbortSignal,
): Promise<{ plan: Plan; dependencies: Dependencies }> {
  const containers = await parts.engine.list(signal)
  return { plan: makePlan(containers, parts.settings, parts.methods), dependencies: readDependencies(containers) }
}
