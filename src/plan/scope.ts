import type { ContainerFacts } from '../engine/engine.ts'
import { type PlanSettings, standaloneProject } from './plan.ts'

/** Project by which a container's targets are addressed. */
export const projectOf = (container: ContainerFacts): string => container.project ?? standaloneProject

/** Containers whose labels count: of the wanted project, no `compose run` ones, and of each compose slot the one that lives. */
export function inScope(containers: ContainerFacts[], settings: PlanSettings): ContainerFacts[] {
  const wanted = containers.filter(
    (one) =>
      !one.oneoff && one.state !== 'removing' && (settings.project === undefined || one.project === settings.project),
  )
  return wanted.filter((one) => !wanted.some((other) => replaces(other, one)))
}

/** A stopped container beside another of the same project, service and number is a leftover of its re-creation. */
function replaces(other: ContainerFacts, one: ContainerFacts): boolean {
  const sameSlot = one.service !== undefined && other.service === one.service && other.project === one.project
  if (other.id === one.id || !sameSlot || other.number !== one.number) return false
  if (isAlive(other) !== isAlive(one)) return isAlive(other)
  return !isAlive(one) && age(other) > age(one)
}

const isAlive = ({ state }: ContainerFacts): boolean => state === 'running' || state === 'paused'

/** Orders dead containers: the one that ran last is the one that counts. */
const age = ({ startedAt = '', id }: ContainerFacts): string => `${startedAt}/${id}`
