import type { ContainerFacts } from '../engine/engine.ts'
import type { LabelProblem, MethodKind } from '../labels/spec.ts'
import { namedPrefix, prefix } from '../labels/table.ts'
import type { Problem } from './plan.ts'
import { projectOf } from './scope.ts'

/** Adds project, container and target to the problem of one label. */
export function placeProblem(container: ContainerFacts, problem: LabelProblem, target?: string): Problem {
  const place = { project: projectOf(container), container: container.name }
  return { ...place, ...(target === undefined ? {} : { target }), ...problem }
}

/** Makes a problem that only the comparison with other containers shows. It names the label that would solve it. */
export function labelProblem(
  container: ContainerFacts,
  target: string,
  key: 'name' | 'method' | 'schedule' | 'paths' | 'clients' | 'quiesce' | `${MethodKind}.${string}`,
  finding: { reason: string; suggestion?: string | undefined; value?: string },
): LabelProblem {
  const named = Object.keys(container.labels).some((label) => label.startsWith(`${namedPrefix}${target}.`))
  const label = `${named ? `${namedPrefix}${target}.` : prefix}${key}`
  const { reason, suggestion, value = container.labels[label] ?? '' } = finding
  return { label, value, reason, ...(suggestion === undefined ? {} : { suggestion }) }
}
