import type { ContainerFacts } from '../engine/engine.ts'
import type { LabelProblem, TargetSpec } from '../labels/spec.ts'
import { labelProblem } from './problems.ts'

/**
 * The containers that would not survive a stop: the engine removes them when they end, and no systemd unit makes them anew. A volume
 * without a name goes with its container, though the unit comes back.
 */
export const removedByStop = (containers: ContainerFacts[]): ContainerFacts[] =>
  containers.filter(
    (one) =>
      one.autoRemove === true &&
      (one.state === 'running' || one.state === 'paused') &&
      (one.unit === undefined || namelessVolume(one) !== undefined),
  )

/** Engines name such a volume by 64 digits. */
const namelessVolume = ({ mounts }: ContainerFacts) =>
  mounts.find(({ kind, name = '', writable }) => kind === 'volume' && writable && /^[0-9a-f]{64}$/.test(name))

/** What an operator can do about such a container. */
export const waysOutOfRemoval =
  'capture without a stop (quiesce: pause or none), run the container without --rm, say by the label writer: never that it does not write this data, or let the controller stop its systemd unit (bind /run/dbus, or for a rootless stack $XDG_RUNTIME_DIR/systemd at /run/systemd, into the controller)'

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
    .map((container) => {
      const { name, systemdUnit } = container
      const unit = systemdUnit === undefined ? '' : ` of the systemd unit ${systemdUnit}`
      return `${name}${unit}, which the engine removes when it stops (--rm)${whyNotByUnit(container)}`
    })
    .join('; ')

function whyNotByUnit(container: ContainerFacts): string {
  if (container.unitProblem !== undefined) return `, while ${container.unitProblem}`
  const volume = container.unit === undefined ? undefined : namelessVolume(container)
  return volume ? `, with its volume without a name at ${volume.destination}` : ''
}
