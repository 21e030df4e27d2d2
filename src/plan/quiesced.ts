import type { ContainerFacts } from '../engine/engine.ts'
import { decodeLabels } from '../labels/decode.ts'
import type { Quiesce } from '../labels/spec.ts'
import { canWrite, type Located } from './mounts.ts'
import { reachableFrom } from './stop-order.ts'

/** What a capture needs quiet. */
export interface QuiesceRequest {
  container: ContainerFacts
  quiesce: Quiesce
  /** The method talks to the labelled container, which therefore stays up. */
  needsRunning: boolean
  captured: Located[]
  /** Its group: containers of the project that are labelled as writers of it are held too. */
  group?: string | undefined
  /** The controller's own container. */
  selfId?: string | undefined
}

/**
 * Every running container, of any project and labelled or not, that can write the captured data. For a stop also those that would
 * not survive it: a container that shares a namespace with a stopped one loses its network, or dies with it (a shared PID namespace),
 * and nothing starts it again. Inspect shows `--requires` and shared namespaces alike, so both count.
 */
export function findQuiesced(containers: ContainerFacts[], request: QuiesceRequest): ContainerFacts[] {
  const spared = (one: ContainerFacts) =>
    one.state !== 'running' || one.id === request.selfId || (request.needsRunning && one.id === request.container.id)
  const candidates = containers.filter((one) => !spared(one))
  const writesHere = (one: ContainerFacts) =>
    request.quiesce !== 'none' && request.captured.some((place) => canWrite(one, place))
  const writers = candidates.filter((one) => writesHere(one) || isGroupWriter(one, request))
  if (request.quiesce === 'pause') return writers
  const bound = (to: ContainerFacts) => candidates.filter((one) => one.joins === to.id || one.requires.includes(to.id))
  return [...new Set(writers.flatMap((writer) => [writer, ...reachableFrom(writer, bound)]))]
}

function isGroupWriter(one: ContainerFacts, { group, container }: QuiesceRequest): boolean {
  return group !== undefined && one.project === container.project && decodeLabels(one.labels).groupWriter === group
}
