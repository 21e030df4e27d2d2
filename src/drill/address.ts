import type { ContainerFacts } from '../engine/engine.ts'

/** Where the question of a `verify.http` label goes in a drill, or why it is not asked. */
export type HttpPlace = { port: number; tls: boolean; path: string; hostHeader: string } | { notAsked: string }

/**
 * The port of the scratch container that stands for a URL. A name of the service, or of nothing that is known, means the service; a name of
 * another container means that one, which is no part of the drill. A port of the host is followed to the port that it leads to.
 */
export function placeOf(
  address: string,
  container: ContainerFacts,
  others: Pick<ContainerFacts, 'name' | 'service'>[],
): HttpPlace {
  const url = new URL(address)
  const { hostname, protocol } = url
  const names = ({ name, service }: Pick<ContainerFacts, 'name' | 'service'>) => [name, service]
  const isOwn = names(container).includes(hostname)
  const other = others.find((one) => names(one).includes(hostname))
  if (!isOwn && other) return { notAsked: `${hostname} is another container, which is not in the drill` }
  const tls = protocol === 'https:'
  const given = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  const published = isOwn ? undefined : container.published?.find(({ hostPort }) => hostPort === given)
  return { port: published?.port ?? given, tls, path: url.pathname + url.search, hostHeader: url.host }
}
