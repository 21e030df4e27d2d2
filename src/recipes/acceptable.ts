import type { ContainerFacts } from '../engine/engine.ts'
import { type MethodPlans, makePlan } from '../plan/make-plan.ts'
import type { PlanSettings, Problem } from '../plan/plan.ts'
import type { Proposals } from './propose.ts'

/**
 * Keeps the proposals that a plan of the labelled containers takes without a problem. The others are left out, with the problem, so that
 * `backup` accepts the override as it is.
 */
export function keepAcceptable(
  { proposals, left }: Proposals,
  containers: ContainerFacts[],
  settings: PlanSettings,
  methods: MethodPlans,
): Proposals {
  const labelsOf = new Map(proposals.map(({ container, labels }) => [container, labels]))
  const labelled = containers.map((one) => ({ ...one, labels: { ...one.labels, ...labelsOf.get(one.name) } }))
  const { problems } = makePlan(labelled, settings, methods)
  const refused = new Map<string, Problem>()
  for (const problem of problems.toReversed())
    if (labelsOf.has(problem.container)) refused.set(problem.container, problem)
  return {
    proposals: proposals.filter(({ container }) => !refused.has(container)),
    left: [
      ...left,
      ...[...refused.values()].map(({ container, label, reason }) => ({ container, why: `${label}: ${reason}.` })),
    ],
  }
}
