import { posix } from 'node:path'
import { BackupError } from '../errors.ts'
import { type Infer, type ZodType, z } from '../lib/zod.ts'
import { readCompose } from './compose-labels.ts'
import type { ContainerFacts, ContainerState, Mount } from './engine.ts'
import { idMappings, readIdMap } from './id-map.ts'
import { portBindings, readPublished } from './ports.ts'

/** Engines write null for empty lists and maps. */
const texts = z.record(z.string(), z.string()).nullish()
const dockerShape = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number().default(0),
    Pid: z.number().default(0),
    StartedAt: z.string().default(''),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({
    Image: z.string(),
    User: z.string().default(''),
    Env: z.array(z.string()).nullish(),
    Labels: texts,
    StopTimeout: z.number().nullish(),
    ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
  }),
  HostConfig: z.object({
    NetworkMode: z.string().default(''),
    Tmpfs: texts,
    AutoRemove: z.boolean().default(false),
    RestartPolicy: z.object({ Name: z.string().default('') }).nullish(),
    PortBindings: portBindings,
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().optional(),
        Source: z.string().default(''),
        Destination: z.string(),
        RW: z.boolean(),
      }),
    )
    .nullish(),
  NetworkSettings: z.object({
    Networks: z
      .record(
        z.string(),
        z.object({
          IPAddress: z.string().optional(),
          GlobalIPv6Address: z.string().optional(),
          Gateway: z.string().optional(),
          IPv6Gateway: z.string().optional(),
        }),
      )
      .nullish(),
  }),
})
const libpodShape = z.object({
  State: z.object({ Status: z.string().default(''), ConmonPid: z.number().default(0) }).nullish(),
  Dependencies: z.array(z.string()).nullish(),
  HostConfig: z.object({
    IDMappings: idMappings,
  }),
})
const imageShape = z.object({ Config: z.object({ Labels: texts }).nullish() })
type DockerInspect = Infer<typeof dockerShape>
type LibpodInspect = Infer<typeof libpodShape>

/**
 * Reads the answer of the Docker API and, where the engine is Podman, that of libpod. No other code knows this JSON. Throws ENGINE_FAILED
 * where it is not understood.
 */
export function toFacts(inspect: unknown, libpod?: unknown): ContainerFacts {
  const docker = parse(dockerShape, inspect)
  const podman = libpod === undefined ? undefined : parse(libpodShape, libpod)
  const { State, Config, HostConfig } = docker
  const labels = Config.Labels ?? {}
  return {
    id: docker.Id,
    name: docker.Name.replace(/^\//, ''),
    engine: podman ? 'podman' : 'docker',
    ...readCompose(labels),
    image: qualifyImage(Config.Image),
    imageId: docker.Image,
    labels,
    state: readState(State.Status, podman?.State?.Status),
    health: readHealth(State.Health?.Status),
    exitCode: State.ExitCode,
    ...(startedAt(State.StartedAt) && { startedAt: State.StartedAt }),
    // Podman 4.3 records 0 for containers made through the API without a stop timeout, and would kill them at once.
    ...(Config.StopTimeout && { stopTimeoutSeconds: Config.StopTimeout }),
    user: Config.User,
    environment: new Map((Config.Env ?? []).map(splitVariable)),
    ...readPorts(Config.ExposedPorts),
    ...readRestart(HostConfig.RestartPolicy?.Name),
    mounts: readMounts(docker),
    networks: readNetworks(docker),
    requires: podman?.Dependencies ?? [],
    ...readIdMap(podman?.HostConfig.IDMappings),
    ...readPublished(HostConfig.PortBindings),
    ...(HostConfig.NetworkMode === 'host' && { onHostNetwork: true }),
    ...(HostConfig.NetworkMode.startsWith('container:') && {
      joins: HostConfig.NetworkMode.slice('container:'.length),
    }),
    ...(HostConfig.AutoRemove && { autoRemove: true, ...readProcesses(docker, podman) }),
    ...(labels.PODMAN_SYSTEMD_UNIT && { systemdUnit: labels.PODMAN_SYSTEMD_UNIT }),
  }
}

/** The labels in the answer of the Docker API on an image. */
export const toImageLabels = (inspect: unknown): Readonly<Record<string, string>> =>
  parse(imageShape, inspect).Config?.Labels ?? {}

function parse<T>(shape: ZodType<T>, answer: unknown): T {
  const result = shape.safeParse(answer)
  if (result.success) return result.data
  const where = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  throw new BackupError('ENGINE_FAILED', `the engine's inspect answer is not understood (${where})`)
}

/** The names of the Docker API and of libpod. A container that is being restarted counts as running. */
export const states: Record<string, ContainerState> = {
  configured: 'created',
  created: 'created',
  initialized: 'created',
  running: 'running',
  restarting: 'running',
  stopping: 'stopping',
  paused: 'paused',
  removing: 'removing',
  exited: 'stopped',
  stopped: 'stopped',
  dead: 'stopped',
}

/**
 * While a stop is under way, the Docker API of Podman 5.8 says `running`, and libpod `stopping`. Else the Docker API counts, which also tells
 * the exit code: the two were asked one after the other.
 */
const readState = (docker: string, libpod: string | undefined): ContainerState => {
  const state = states[docker] ?? 'stopped'
  return state === 'running' && libpod === 'stopping' ? 'stopping' : state
}

export const readHealth = (status: string | undefined): ContainerFacts['health'] =>
  status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none'

/** Engines write a time in the year 1 for a container that was never started. */
const startedAt = (text: string): boolean => text !== '' && !text.startsWith('0001-')

/** Writes a name in full, as Podman does; Docker leaves `docker.io/library/` out. An image id stays as it is. */
export function qualifyImage(image: string): string {
  const first = image.split('/')[0] ?? ''
  if (/^(sha256:)?[0-9a-f]{64}$/.test(image) || (first !== image && /[.:]|^localhost$/.test(first))) return image
  return image.includes('/') ? `docker.io/${image}` : `docker.io/library/${image}`
}

function splitVariable(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
}

/** Mounts of `--tmpfs` are added, which Podman leaves out of its list, because they hide what lies below them. */
function readMounts({ Mounts, HostConfig }: DockerInspect): Mount[] {
  const mounts = (Mounts ?? []).map(({ Type, Name, Source, Destination, RW }): Mount => {
    const kind = Type === 'volume' || Type === 'bind' ? Type : 'other'
    return {
      kind,
      ...(kind === 'volume' && Name && { name: Name }),
      source: Source && plainPath(Source),
      destination: plainPath(Destination),
      writable: RW,
    }
  })
  const covered = new Set(mounts.map(({ destination }) => destination))
  const scratch = Object.keys(HostConfig.Tmpfs ?? {})
    .map(plainPath)
    .filter((destination) => !covered.has(destination))
  return [
    ...mounts,
    ...scratch.map((destination): Mount => ({ kind: 'other', source: '', destination, writable: true })),
  ]
}

/** Keys are of the form `6379/tcp`. */
function readPorts(exposed: Record<string, unknown> | null | undefined): Pick<ContainerFacts, 'ports'> {
  const ports = Object.keys(exposed ?? {}).flatMap((key) => (key.endsWith('/tcp') ? [Number.parseInt(key, 10)] : []))
  return ports.length > 0 ? { ports: ports.toSorted((a, b) => a - b) } : {}
}

const readRestart = (policy = ''): Pick<ContainerFacts, 'restart'> =>
  policy === '' || policy === 'no' ? {} : { restart: policy }

function plainPath(path: string): string {
  return posix.resolve('/', path)
}

function readNetworks({ NetworkSettings }: DockerInspect): ContainerFacts['networks'] {
  return Object.entries(NetworkSettings.Networks ?? {}).map(([name, network]) => {
    const address = network.IPAddress || network.GlobalIPv6Address
    const gateway = network.Gateway || network.IPv6Gateway
    return { name, ...(address && { address }), ...(gateway && { gateway }) }
  })
}

function readProcesses({ State }: DockerInspect, podman: LibpodInspect | undefined): Pick<ContainerFacts, 'processes'> {
  const processes = [State.Pid, podman?.State?.ConmonPid ?? 0].filter((pid) => pid > 0)
  return processes.length > 0 ? { processes } : {}
}
