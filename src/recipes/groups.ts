import type { ContainerFacts } from '../engine/engine.ts'
import type { Role, Roles } from './identify.ts'
import type { Application, ServerMethod } from './model.ts'

/** What one application of a project is made of. Its containers are captured in one moment where there are several. */
export interface Assembly {
  application: Application
  main: ContainerFacts
  servers: ContainerFacts[]
  beside: ContainerFacts[]
  workers: ContainerFacts[]
  /** Servers that hold nothing of it that has to be kept. */
  caches: ContainerFacts[]
}

/** Puts the containers of one project together to applications. A server that two of them use belongs to the first one. */
export function assemble(roles: Roles): Assembly[] {
  const taken = new Set<ContainerFacts>()
  const take = (found: ContainerFacts[]) => {
    const free = found.filter((one) => !taken.has(one))
    for (const one of free) taken.add(one)
    return free
  }
  const mains = [...roles].flatMap(([main, role]) =>
    role.kind === 'application' ? [{ main, application: role.application }] : [],
  )
  return mains.map(({ main, application }) => {
    const belongs = (kind: Role['kind']) => (container: ContainerFacts) => {
      const role = roles.get(container)
      return role?.kind === kind && 'application' in role && role.application === application
    }
    const all = [...roles.keys()]
    const methods = application.databases ?? []
    return {
      application,
      main,
      servers: take(methods.flatMap((method) => serverOf(main, method, roles))),
      beside: take(all.filter(belongs('beside'))),
      workers: take(all.filter(belongs('worker'))),
      caches: methods.includes('redis') ? [] : serverOf(main, 'redis', roles),
    }
  })
}

/** The servers of a method that the container depends on; where it names none, the only one of the project. */
function serverOf({ dependsOn }: ContainerFacts, method: ServerMethod, roles: Roles): ContainerFacts[] {
  const servers = [...roles].flatMap(([container, role]) =>
    role.kind === 'server' && role.server.method === method ? [container] : [],
  )
  const named = servers.filter(({ service }) => service !== undefined && dependsOn.includes(service))
  if (named.length > 0) return named
  return servers.length === 1 ? servers : []
}
