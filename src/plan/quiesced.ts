import type { ContainerFacts } from '../engine/engine.ts'
import { decodeLabels } from '../labels/decode.ts'
import type { Quiesce } from '../labels/spec.ts'
import { canWrite, type Located } from './mounts.ts'
import { reachableFrom } from './stop-order.ts'

/** The capture for which writers are held. */
export interface QuiesceRequest {
  container: ContainerFacts
  quiesce: Quiesce
  /** Whether the method needs the labelled container to run. It then stays up. */
  needsRunning: boolean
  captured: Located[]
  /** The group of the target. Containers of the project that are labelled `group-writer` for it are held too. */
  group?: string | undefined
  /** Whether containers that do not run count as well: they may be started at any time. Default false. */
  inAnyState?: boolean
}

/**
 * Finds every running container, of any project and labelled or not, that can write the captured data. For a stop it adds those that
 * would not survive it: a container that shares a namespace with a stopped one loses its network or ends with it (a shared PID
 * namespace), and nothing starts it again. Inspect shows `--requires` and shared namespaces in the same field, so both count.
 */
export function findQuiesced(containers: ContainerFacts[], request: QuiesceRequest): ContainerFacts[] {
  const runs = ({ state }: ContainerFacts) => state === 'running' || state === 'stopping'
  const spared = (one: ContainerFacts) =>
    !(request.inAnyState || runs(one)) || (request.needsRunning && one.id === request.container.id)
  const candidates = containers.filter((one) => !spared(one))
  const writesHere = (one: ContainerFacts) =>
    request.quiesce !== 'none' &&
    request.captured.some((place) => canWrite(one, place)) &&
    (one.id === request.container.id || decodeLabels(one.labels).writer !== 'never')
  const writers = candidates.filter((one) => writesHere(one) || isGroupWriter(one, request))
  if (request.quiesce === 'pause') return writers
  const bound = (to: ContainerFacts) => candidates.filter((one) => one.joins === to.id || one.requires.includes(to.id))
  return [...new Set(writers.flatMap((writer) => [writer, ...reachableFrom(writer, bound)]))]
}

function isGroupWriter(one: ContainerFacts, { group, container }: QuiesceRequest): boolean {
  return group !== undefined && one.project === container.project && decodeLabels(one.labels).groupWriter === group
}
