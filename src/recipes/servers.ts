import type { ContainerFacts } from '../engine/engine.ts'
import type { Evidence } from './evidence.ts'
import { isOneOf } from './image-name.ts'
import type { ServerMethod } from './model.ts'

/** How a server is recognised. */
interface ServerSigns {
  /** Ends of image names. */
  images: string[]
  port: number
  /** Variables by which its password is commonly given, where the method does not look for them by itself. */
  passwords?: { label: string; variables: string[] }
}

const signs: Record<ServerMethod, ServerSigns> = {
  redis: {
    images: ['redis', 'valkey', 'redis-stack', 'redis-stack-server'],
    port: 6379,
    passwords: { label: 'redis.password-env', variables: ['VALKEY_PASSWORD', 'REDIS_PASS', 'REDISCLI_AUTH'] },
  },
  postgres: {
    images: [
      ...['postgres', 'postgresql', 'postgis', 'pgvector', 'pgvecto-rs', 'pgvecto.rs', 'vectorchord-postgres'],
      ...['timescaledb', 'timescaledb-ha', 'pgautoupgrade'],
    ],
    port: 5432,
  },
  mariadb: { images: ['mariadb', 'mysql', 'mysql-server', 'percona', 'percona-server'], port: 3306 },
  mongodb: {
    images: ['mongo', 'mongodb', 'mongodb-community-server', 'percona-server-mongodb', 'unifi-db-mongo'],
    port: 27017,
  },
  qdrant: { images: ['qdrant'], port: 6333 },
  victoriametrics: { images: ['victoria-metrics', 'victoriametrics'], port: 8428 },
}

/** A server that a container runs. */
export interface Server {
  method: ServerMethod
  /** By what it was recognised, as the end of a sentence. */
  by: string
}

/**
 * Recognises the server that a container runs: by its image, else by the port that it exposes, else by what lies at the top of its
 * mounts. A port alone is not believed where the mounts could be looked at and hold no data of that server: clients and proxies expose it too.
 */
export function recogniseServer(container: ContainerFacts, evidence: Evidence | undefined): Server | undefined {
  const kinds = Object.entries(signs) as [ServerMethod, ServerSigns][]
  const byImage = kinds.find(([, { images }]) => isOneOf(container.image, images))
  if (byImage) return { method: byImage[0], by: `its image ${container.image}` }
  const found = evidence?.servers ?? []
  const isLikely = (method: ServerMethod) =>
    found.length > 0 ? found.some((one) => one.method === method) : (evidence?.unseen.length ?? 0) > 0
  const byPort = kinds.find(([method, { port }]) => container.ports?.includes(port) && isLikely(method))
  if (byPort) return { method: byPort[0], by: `the port ${byPort[1].port} that it exposes` }
  const [byFiles] = found
  return byFiles && { method: byFiles.method, by: `the files in ${byFiles.path}` }
}

/** The labels of a server's target, by their keys without the prefix, and what has to be known of them. No value of a variable is among them. */
export function serverLabels(container: ContainerFacts, method: ServerMethod): Record<string, string> {
  const { passwords } = signs[method]
  const variable = passwords?.variables.find((name) => container.environment.has(name))
  const isDefault = method === 'redis' && container.environment.has('REDIS_PASSWORD')
  return { method, ...(passwords && variable !== undefined && !isDefault && { [passwords.label]: variable }) }
}
