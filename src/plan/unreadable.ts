import type { ContainerFacts } from '../engine/engine.ts'
import { commandFor } from '../hints.ts'
import { decodeLabels } from '../labels/decode.ts'
import type { LabelProblem } from '../labels/spec.ts'
import type { Problem } from './plan.ts'
import { placeProblem } from './problems.ts'

/**
 * The containers that may write anything: they run, and their mounts are not known. The label `writer: never`, which the list of
 * containers tells as well, rules one out.
 */
export const findUnknownWriters = (containers: ContainerFacts[]): ContainerFacts[] =>
  containers.filter((one) => isUp(one) && one.unreadable && decodeLabels(one.labels).writer !== 'never')

/** The problem of a container that cannot be inspected; undefined for any other. */
export function explainUnreadable(container: ContainerFacts): LabelProblem | undefined {
  const { unreadable } = container
  if (unreadable === undefined) return undefined
  const way = `${commandFor(container, 'inspect')} shows the same; where nothing mends it, remove the container and create it again`
  return { label: '', value: '', reason: `the engine cannot inspect this container (${unreadable}): ${way}` }
}

/**
 * The problems of unreadable containers that no target tells of. Outside of the scope only one that runs matters, because it may write
 * the data of targets.
 */
export function listUnreadable(
  containers: ContainerFacts[],
  scope: ContainerFacts[],
  told: ContainerFacts[],
): Problem[] {
  return containers.flatMap((container) => {
    const problem = explainUnreadable(container)
    const matters = scope.includes(container) || isUp(container)
    return problem && matters && !told.includes(container) ? [placeProblem(container, problem)] : []
  })
}

const isUp = ({ state }: ContainerFacts): boolean => state === 'running' || state === 'paused' || state === 'stopping'
