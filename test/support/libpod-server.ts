import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const fixture = new URL('../fixtures/inspect/docker-compose.json', import.meta.url)

/** A container as the server knows it. A test changes it to say what has happened to it. */
export interface ServedContainer {
  id: string
  name: string
  state: string
  health: string
  startedAt: string
  pid: number
  networks: string[]
  /** No list tells it. */
  restart: string
  /** Id of the container whose network it shares: no row of it names a network then. */
  joins?: string
}

/** Answers lists and inspections as Podman 4.3 does, and counts them. It ends with the test. */
export async function libpodServer() {
  const recorded = JSON.parse(readFileSync(fixture, 'utf8'))
  const containers: ServedContainer[] = []
  const counts = { lists: 0, inspected: new Set<string>() }
  /** Is called before an inspection is answered. */
  const hooks: { onInspect?: (container: ServedContainer) => void } = {}
  let order = 0

  const rowOf = ({ id, name, state, health, startedAt, pid, networks }: ServedContainer) => ({
    ...{ Id: id, Names: [name], State: state, Status: health, Pid: pid },
    StartedAt: Math.floor(Date.parse(startedAt) / 1000),
    // The order of the names is another one in each call.
    Networks: order % 2 === 0 ? networks : networks.toReversed(),
  })
  const networksOf = ({ networks, joins }: ServedContainer): string[] => {
    const joined = containers.find(({ id }) => id === joins)
    return joined ? networksOf(joined) : networks
  }
  const inspectionOf = (container: ServedContainer) => ({
    ...recorded.docker,
    Id: container.id,
    Name: `/${container.name}`,
    State: {
      ...recorded.docker.State,
      Status: container.state,
      StartedAt: container.startedAt,
      Health: { Status: container.health },
    },
    HostConfig: {
      ...recorded.docker.HostConfig,
      NetworkMode: container.joins ? `container:${container.joins}` : 'bridge',
      RestartPolicy: { Name: container.restart },
    },
    NetworkSettings: { Networks: Object.fromEntries(networksOf(container).map((name) => [name, {}])) },
  })
  const answer = (url: string): object | undefined => {
    if (url.startsWith('/v4.0.0/libpod/containers/json')) {
      counts.lists += 1
      order += 1
      return containers.map(rowOf)
    }
    const id = /\/containers\/([^/]+)\/json/.exec(url)?.[1]
    const container = containers.find((one) => one.id === id)
    if (!container) return undefined
    if (url.includes('/libpod/')) return recorded.libpod
    counts.inspected.add(container.id)
    hooks.onInspect?.(container)
    return inspectionOf(container)
  }

  const folder = await mkdtemp(join(tmpdir(), 'libpod-'))
  const server = createServer(({ url = '' }, response) => {
    const found = answer(url)
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? { message: 'no such container' }))
  })
  const address = join(folder, 'podman.sock')
  await new Promise<void>((resolve) => void server.listen(address, resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  return {
    address,
    hooks,
    containers,
    /** Adds a running one. */
    add: (name: string, more: Partial<ServedContainer> = {}): ServedContainer => {
      const number = containers.length + 1
      const container = {
        ...{ id: number.toString(16).padStart(64, '0'), name, state: 'running', health: '', pid: number, restart: '' },
        ...{ startedAt: '2026-12-01T02:00:00.123456789Z', networks: ['shop_default'] },
        ...more,
      }
      containers.push(container)
      return container
    },
    /** What was asked for since the last call: how many lists, and which containers were inspected. */
    asked: () => {
      const asked = { lists: counts.lists, inspected: [...counts.inspected] }
      counts.lists = 0
      counts.inspected.clear()
      return asked
    },
  }
}
