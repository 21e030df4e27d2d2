import { createHash } from 'node:crypto'
import { BackupError } from '../errors.ts'
import { readScratchOwner, scratchLabel } from '../labels/scratch.ts'
import { z } from '../lib/zod.ts'
import type { Connection } from './connection.ts'
import type { Engine, ScratchRequest, ScratchThing } from './engine.ts'
import { toCreateBody } from './scratch-body.ts'

/** An engine that is busy may need long to make or remove a container. */
const actSeconds = 120

type Thing = Pick<ScratchThing, 'kind' | 'name'>
type ScratchActs = Pick<Engine, 'createScratch' | 'createVolume' | 'createNetwork' | 'listScratch' | 'removeScratch'>

/** Makes and removes what drills need. See `Engine`. */
export function scratchActs(connection: Connection, inspect: Engine['inspect']): ScratchActs {
  return {
    createScratch: async (request, signal) => {
      const id = await createContainer(connection, request, signal)
      const facts = await inspect(id, signal)
      if (facts) return facts
      throw new BackupError('NO_SUCH_CONTAINER', `the scratch container ${request.name} is gone`)
    },
    createVolume: async (name, labels, signal) => {
      const body = { Name: name, Driver: 'local', Labels: labels }
      const options = { what: `create volume ${name}`, signal, seconds: actSeconds }
      return {
        path: volumeShape.parse(await connection.request([], options, 'POST', '/volumes/create', body)).Mountpoint,
      }
    },
    createNetwork: async (name, labels, signal) => {
      const body = {
        ...{ Name: name, Driver: 'bridge', Internal: true, CheckDuplicate: true, Labels: labels },
        Options: { 'com.docker.network.bridge.name': bridgeName(name) },
      }
      const options = { what: `create network ${name}`, signal, seconds: actSeconds }
      await connection.request([], options, 'POST', '/networks/create', body)
    },
    listScratch: async (signal) => {
      const found = await Promise.all([
        listContainers(connection, signal),
        listVolumes(connection, signal),
        listNetworks(connection, signal),
      ])
      return found.flat()
    },
    removeScratch: async (thing, signal) => {
      const { labels } = (await readThing(connection, thing, signal)) ?? {}
      if (labels === undefined) return
      // Nothing but what a drill made is ever removed, whatever the caller believes.
      if (!readScratchOwner({ name: thing.name, labels })) {
        throw new BackupError('INTERNAL', `${thing.kind} ${thing.name} was not made by a drill, and is not removed`)
      }
      const options = { what: `remove ${thing.kind} ${thing.name}`, signal, seconds: actSeconds }
      await connection.request([404], options, 'DELETE', removalPath(thing))
    },
  }
}

/**
 * The name of the network's device. Podman would take the first `podmanN` that it does not see, which another Podman of the machine may take
 * at the same time: then only one of the two reaches its containers. A device's name has at most 15 characters.
 */
const bridgeName = (network: string): string => `xnd-${createHash('sha256').update(network).digest('hex').slice(0, 10)}`

/** Throws IMAGE_GONE where the engine has no such image. */
async function createContainer(connection: Connection, request: ScratchRequest, signal: AbortSignal): Promise<string> {
  const read = (path: string) => connection.request([404], { what: `inspect ${request.like}`, signal }, 'GET', path)
  const original = await read(`/containers/${encodeURIComponent(request.like)}/json`)
  if (original === undefined) throw new BackupError('NO_SUCH_CONTAINER', `there is no container ${request.like}`)
  const image = await read(`/images/${request.imageId}/json`)
  if (image === undefined) {
    throw new BackupError('IMAGE_GONE', `the image ${request.imageId} of ${request.like} is not on this machine`)
  }
  const { Image } = imageIdShape.parse(original)
  const ownImage = Image === request.imageId ? undefined : await read(`/images/${Image}/json`)
  const body = toCreateBody(original, ownImage, request)
  const path = `/containers/create?name=${encodeURIComponent(request.name)}`
  const options = {
    what: `create container ${request.name}`,
    signal,
    seconds: actSeconds,
    secrets: secretsOf(body.Env),
  }
  return idShape.parse(await connection.request([], options, 'POST', path, body)).Id
}

/** Values of the environment, which an engine may repeat in an error. */
const secretsOf = (environment: string[]): string[] => environment.map((entry) => entry.slice(entry.indexOf('=') + 1))

const labelFilter = `filters=${encodeURIComponent(JSON.stringify({ label: [scratchLabel] }))}`
const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((found) => found ?? {})
const idShape = z.object({ Id: z.string() })
const imageIdShape = z.object({ Image: z.string() })
const volumeShape = z.object({ Name: z.string(), Mountpoint: z.string(), Labels: labels })
const networkShape = z.object({ Name: z.string(), Labels: labels })
const containerRow = z.object({ Names: z.array(z.string()).nullish(), Labels: labels })
const containerShape = z.object({ Config: z.object({ Labels: labels }) })

async function listContainers(connection: Connection, signal: AbortSignal): Promise<ScratchThing[]> {
  const answer = await connection.request(
    [],
    { what: 'list containers', signal },
    'GET',
    `/containers/json?all=true&${labelFilter}`,
  )
  return z
    .array(containerRow)
    .parse(answer)
    .map(({ Names, Labels }) => ({ kind: 'container', name: (Names?.[0] ?? '').replace(/^\//, ''), labels: Labels }))
}

async function listVolumes(connection: Connection, signal: AbortSignal): Promise<ScratchThing[]> {
  const answer = await connection.request([], { what: 'list volumes', signal }, 'GET', `/volumes?${labelFilter}`)
  const { Volumes } = z.object({ Volumes: z.array(volumeShape).nullish() }).parse(answer)
  return (Volumes ?? []).map(({ Name, Labels }) => ({ kind: 'volume', name: Name, labels: Labels }))
}

async function listNetworks(connection: Connection, signal: AbortSignal): Promise<ScratchThing[]> {
  const answer = await connection.request([], { what: 'list networks', signal }, 'GET', `/networks?${labelFilter}`)
  return z
    .array(networkShape)
    .parse(answer)
    .map(({ Name, Labels }) => ({ kind: 'network', name: Name, labels: Labels }))
}

/** Undefined where it is gone. */
async function readThing(connection: Connection, { kind, name }: Thing, signal: AbortSignal) {
  const read = (path: string) => connection.request([404], { what: `inspect ${kind} ${name}`, signal }, 'GET', path)
  const answer = await read(`/${kind}s/${encodeURIComponent(name)}${kind === 'container' ? '/json' : ''}`)
  if (answer === undefined) return undefined
  if (kind === 'container') return { labels: containerShape.parse(answer).Config.Labels }
  return { labels: (kind === 'volume' ? volumeShape : networkShape).parse(answer).Labels }
}

/** A network is never removed by force: Podman would remove the containers that are on it, the controller's own one among them. */
function removalPath({ kind, name }: Thing): string {
  const path = `/${kind}s/${encodeURIComponent(name)}`
  return kind === 'container' ? `${path}?force=true&v=true` : path
}
