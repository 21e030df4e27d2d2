import type { ContainerFacts } from '../engine/engine.ts'
import type { LabelProblem, TargetSpec } from '../labels/spec.ts'
import { labelProblem } from './problems.ts'

/** The containers that would not survive a stop: the engine removes them when they end, and has nothing left to start. */
export const removedByStop = (containers: ContainerFacts[]): ContainerFacts[] =>
  containers.filter(({ autoRemove, state }) => autoRemove === true && (state === 'running' || state === 'paused'))

/** What an operator can do about such a container. */
export const waysOutOfRemoval =
  'capture without a stop (quiesce: pause or none), run the container without --rm, or say by the label writer: never that it does not write this data'

/** The problem of a target whose backup would remove containers by stopping them. */
export function explainRemoval(
  container: ContainerFacts,
  target: string,
  { quiesce }: Pick<TargetSpec, 'quiesce'>,
  held: ContainerFacts[],
): LabelProblem[] {
  const lost = quiesce === 'pause' ? [] : removedByStop(held)
  if (lost.length === 0) return []
  const reason = `a backup would stop ${nameRemoved(lost)}, and nothing could start it again: ${waysOutOfRemoval}`
  return [labelProblem(container, target, 'quiesce', { value: quiesce, reason, suggestion: 'pause' })]
}

/** Names each container, why it is removed, and the unit that it belongs to. */
export const nameRemoved = (containers: ContainerFacts[]): string =>
  containers
    .map(({ name, systemdUnit }) => {
      const unit = systemdUnit === undefined ? '' : ` of the systemd unit ${systemdUnit}`
      return `${name}${unit}, which the engine removes when it stops (--rm)`
    })
    .join('; ')
