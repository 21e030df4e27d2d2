import type { ContainerFacts } from '../engine/engine.ts'
import { nearest } from '../labels/nearest.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { labelProblem } from './problems.ts'
import type { Dependencies } from './stop-order.ts'

/** The restore for which clients are kept down. */
export interface ClientRequest {
  container: ContainerFacts
  target: string
  /** What the label names: `service` of the container's own project, or `project/service`. Default: everything that depends on it. */
  services?: string[] | undefined
}

/**
 * Finds the containers that are kept down during a restore. Without the label, dependents of dependents count too. Podman starts
 * what a container requires together with it, so a dependent that is left running could bring the direct client back in the middle of
 * the restore when its restart policy or its user starts it again. It may also hold stale caches or sessions.
 */
export function findClients(
  containers: ContainerFacts[],
  dependencies: Dependencies,
  request: ClientRequest,
): { clients: ContainerFacts[]; problems: LabelProblem[] } {
  const { container, services } = request
  const peers = containers.filter((one) => one.service !== undefined)
  const isNamed = (one: ContainerFacts) => namesOf(one, container).some((name) => services?.includes(name))
  const found = services ? peers.filter((one) => !one.oneoff && isNamed(one)) : dependencies.dependentsOf(container)
  return {
    clients: dependencies.inStopOrder(found.filter((one) => one.id !== container.id)),
    problems: checkServices(request, peers),
  }
}

/** The names by which labels of `container` may name a service. */
function namesOf({ project, service }: ContainerFacts, container: ContainerFacts): string[] {
  return [`${project}/${service}`, ...(project === container.project ? [service as string] : [])]
}

/** A service of another project without any container is no problem: that stack is down, and the backup goes on. */
function checkServices({ container, target, services = [] }: ClientRequest, peers: ContainerFacts[]): LabelProblem[] {
  const known = new Set(peers.flatMap((one) => namesOf(one, container)))
  const isDown = (project: string) => peers.every((one) => one.project !== project)
  return services.flatMap((value) => {
    const [project, service] = value.includes('/') ? value.split('/', 2) : [undefined, value]
    if (known.has(value) || (project !== undefined && isDown(project))) return []
    const reason = `no service of project ${project ?? container.project ?? '(none)'} is named ${service}`
    return [labelProblem(container, target, 'clients', { value, reason, suggestion: nearest(value, [...known]) })]
  })
}
