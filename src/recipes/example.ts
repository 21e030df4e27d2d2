import type { ContainerFacts, Mount } from '../engine/engine.ts'
import type { Evidence } from './evidence.ts'
import type { AppData, Application, ServerMethod } from './model.ts'

/** Images of servers as stacks name them. */
const serverImages: Record<ServerMethod, { service: string; image: string; data: string }> = {
  redis: { service: 'redis', image: 'docker.io/library/redis:8', data: '/data' },
  postgres: { service: 'db', image: 'docker.io/library/postgres:17', data: '/var/lib/postgresql/data' },
  mariadb: { service: 'db', image: 'docker.io/library/mariadb:11', data: '/var/lib/mysql' },
  mongodb: { service: 'mongodb', image: 'docker.io/library/mongo:8', data: '/data/db' },
  qdrant: { service: 'qdrant', image: 'docker.io/qdrant/qdrant:v1.13.1', data: '/qdrant/storage' },
  victoriametrics: {
    service: 'victoriametrics',
    image: 'docker.io/victoriametrics/victoria-metrics',
    data: '/victoria-metrics-data',
  },
}

/**
 * A stack of an application as its documentation has it, with the first of the databases that it may have, from which docs/recipes.md is
 * made. An application that brings its own database file has no server.
 */
export function exampleOf(application: Application): { containers: ContainerFacts[]; evidence: Map<string, Evidence> } {
  const { data = [], databases = [], beside = [], workers = [] } = application
  const ownDatabases = data.flatMap((one) => (one.kind === 'sqlite' ? [one.database] : []))
  const [first, ...others] = ownDatabases.length > 0 ? [] : databases
  const methods =
    first === undefined ? [] : [first, ...others.filter((method) => serverImages[method].service !== 'db')]
  const servers = methods.map((method) => {
    const { service, image, data: path } = serverImages[method]
    return container(service, image, [path])
  })
  const name = serviceName(application.images[0] ?? '')
  const main = container(name, application.images[0] ?? '', data.flatMap(pathsOf))
  const containers = [
    ...servers,
    ...beside.map(({ images: [image = ''], paths }) => container(serviceName(image), image, paths)),
    { ...main, dependsOn: servers.map(({ name: service }) => service) },
    ...workers.map((image) => container(serviceName(image), image, [])),
  ]
  const evidence = { servers: [], databases: ownDatabases, indexes: [], unseen: [] }
  return { containers, evidence: new Map([[main.id, evidence]]) }
}

const pathsOf = (data: AppData): string[] => (data.kind === 'files' ? data.paths : [data.folder])

const serviceName = (image: string): string => (image.split('/').at(-1) ?? image).replaceAll('.', '-')

const container = (service: string, image: string, paths: string[]): ContainerFacts => ({
  id: service,
  name: service,
  engine: 'podman',
  project: 'example',
  service,
  oneoff: false,
  image,
  imageId: '',
  labels: {},
  state: 'running',
  health: 'none',
  exitCode: 0,
  user: '',
  environment: new Map(),
  mounts: paths.map(
    (destination): Mount => ({ kind: 'volume', source: `/${service}${destination}`, destination, writable: true }),
  ),
  networks: [],
  dependsOn: [],
  requires: [],
})
