import type { ContainerFacts } from '../engine/engine.ts'
import { nearest } from '../labels/nearest.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { labelProblem } from './problems.ts'
import type { Dependencies } from './stop-order.ts'

/** The restore for which clients are kept down. */
export interface ClientRequest {
  container: ContainerFacts
  target: string
  /** The compose services that the label names. Default: everything that depends on the container. */
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
  const peers = containers.filter((one) => one.service !== undefined && one.project === container.project)
  const found = services
    ? peers.filter((one) => !one.oneoff && services.includes(one.service as string))
    : dependencies.dependentsOf(container)
  return {
    clients: dependencies.inStopOrder(found.filter((one) => one.id !== container.id)),
    problems: checkServices(request, new Set(peers.map((one) => one.service as string))),
  }
}

function checkServices({ container, target, services = [] }: ClientRequest, known: Set<string>): LabelProblem[] {
  const unknown = services.filter((service) => !known.has(service))
  return unknown.map((value) => {
    const reason = `no service of project ${container.project ?? '(none)'} is named ${value}`
    return labelProblem(container, target, 'clients', { value, reason, suggestion: nearest(value, [...known]) })
  })
}
