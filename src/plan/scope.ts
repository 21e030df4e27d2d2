import type { ContainerFacts } from '../engine/engine.ts'
import { readScratchOwner } from '../labels/scratch.ts'
import { type PlanSettings, standaloneProject } from './plan.ts'

/** The project by which users address a container's targets. */
export const projectOf = (container: ContainerFacts): string => container.project ?? standaloneProject

/**
 * Selects the containers whose labels count: those of the wanted project without `compose run`, and one for each compose service
 * and number.
 */
export function inScope(containers: ContainerFacts[], settings: PlanSettings): ContainerFacts[] {
  const wanted = containers.filter(
    (one) =>
      !one.oneoff && one.state !== 'removing' && (settings.project === undefined || one.project === settings.project),
  )
  return wanted.filter((one) => !wanted.some((other) => replaces(other, one)))
}

/** A container that a drill made is no service: it has no data of its own, and writes none of others. */
export const withoutScratch = (containers: ContainerFacts[]): ContainerFacts[] =>
  containers.filter((one) => readScratchOwner(one) === undefined)

/** The label of the controller's own image. */
const roleLabel = 'org.xnai-backup.role'

/**
 * Whether the container is a backup controller, be it this one or that of another stack. A controller mounts `/` writable and is never
 * stopped or paused: two of them would otherwise stop each other, and a command on the host its own.
 */
export const isController = ({ id, labels }: ContainerFacts, { selfId }: PlanSettings): boolean =>
  id === selfId || labels[roleLabel] === 'controller'

/** The controllers of the wanted project, or of every stack where none is wanted. The one that asks is among them. */
export const controllersOf = (containers: ContainerFacts[], settings: PlanSettings): ContainerFacts[] =>
  inScope(containers, settings).filter((one) => isController(one, settings))

/** A stopped container is left over from a re-creation when another one has the same project, service and number. */
function replaces(other: ContainerFacts, one: ContainerFacts): boolean {
  const sameSlot = one.service !== undefined && other.service === one.service && other.project === one.project
  if (other.id === one.id || !sameSlot || other.number !== one.number) return false
  if (isAlive(other) !== isAlive(one)) return isAlive(other)
  return !isAlive(one) && age(other) > age(one)
}

const isAlive = ({ state }: ContainerFacts): boolean => state === 'running' || state === 'paused'

/** Orders stopped containers: the one that was started last counts. */
const age = ({ startedAt = '', id }: ContainerFacts): string => `${startedAt}/${id}`
