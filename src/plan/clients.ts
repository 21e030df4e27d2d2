import type { ContainerFacts } from '../engine/engine.ts'
import { nearest } from '../labels/nearest.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { labelProblem } from './problems.ts'
import type { Dependencies } from './stop-order.ts'

/** What is kept down while a target is restored. */
export interface ClientRequest {
  container: ContainerFacts
  target: string
  /** Compose services named by the label; absent: all that depends on the container. */
  services?: string[] | undefined
  /** The controller's own container: never a client. */
  selfId?: string | undefined
}

/**
 * Without the label: dependents of dependents too. Podman starts what a container requires together with it, so one that was left
 * running would, when its restart policy or its user starts it again, bring the direct client back in the middle of the restore;
 * and it may hold what it read before (caches, sessions) against the data that came back.
 */
export function findClients(
  containers: ContainerFacts[],
  dependencies: Dependencies,
  request: ClientRequest,
): { clients: ContainerFacts[]; problems: LabelProblem[] } {
  const { container, services, selfId } = request
  const peers = containers.filter((one) => one.service !== undefined && one.project === container.project)
  const found = services
    ? peers.filter((one) => !one.oneoff && services.includes(one.service as string))
    : dependencies.dependentsOf(container)
  return {
    clients: dependencies.inStopOrder(found.filter((one) => one.id !== container.id && one.id !== selfId)),
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
