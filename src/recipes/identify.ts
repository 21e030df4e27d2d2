import type { ContainerFacts } from '../engine/engine.ts'
import { applications } from './applications/index.ts'
import type { EvidenceOf } from './evidence.ts'
import { isOneOf } from './image-name.ts'
import type { Application } from './model.ts'
import { recogniseServer, type Server } from './servers.ts'

/** What one container of a project is. */
export type Role =
  | { kind: 'application'; application: Application }
  | { kind: 'worker'; application: Application }
  | { kind: 'beside'; application: Application; paths: string[] }
  | { kind: 'server'; server: Server }
  | { kind: 'unknown' }

export type Roles = ReadonlyMap<ContainerFacts, Role>

/** Says what each container of one project is. A container that stands beside an application counts as such only where that runs. */
export function identify(containers: readonly ContainerFacts[], evidence: EvidenceOf): Roles {
  const present = applications.filter((one) => containers.some(({ image }) => isOneOf(image, one.images)))
  return new Map(containers.map((container) => [container, roleOf(container, present, evidence)]))
}

function roleOf(container: ContainerFacts, present: Application[], evidence: EvidenceOf): Role {
  const { image } = container
  for (const application of present) {
    if (isOneOf(image, application.images))
      return { kind: isWorker(container, application) ? 'worker' : 'application', application }
    if (isOneOf(image, application.workers ?? [])) return { kind: 'worker', application }
    const beside = application.beside?.find(({ images }) => isOneOf(image, images))
    if (beside) return { kind: 'beside', application, paths: beside.paths }
  }
  const server = recogniseServer(container, evidence.get(container.id))
  return server ? { kind: 'server', server } : { kind: 'unknown' }
}

const isWorker = ({ service = '' }: ContainerFacts, { workerServices }: Application): boolean =>
  workerServices?.test(service) === true
