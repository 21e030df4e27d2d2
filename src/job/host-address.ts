import type { ContainerFacts } from '../engine/engine.ts'

/** Names that Podman and Docker give the host in the `/etc/hosts` of a container. Docker does so for `extra_hosts: host-gateway` alone. */
const hostNames = ['host.containers.internal', 'host.docker.internal']

/**
 * Finds the address under which the host answers. `self` is the container of this process, undefined on the host, and `hosts` the content
 * of its `/etc/hosts`. The gateway of a bridge is the host, too, except where the engine is rootless: there only the name leads to it.
 */
export function findHostAddress(self: ContainerFacts | undefined, hosts: string): string | undefined {
  if (!self || self.onHostNetwork) return '127.0.0.1'
  const named = hosts
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
    .find(([, ...names]) => names.some((name) => hostNames.includes(name)))
  return named?.[0] ?? self.networks.find(({ gateway }) => gateway)?.gateway
}
