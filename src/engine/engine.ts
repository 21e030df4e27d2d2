import type { Duplex, Readable } from 'node:stream'

/** What the rest of the product knows of a container engine. Podman and Docker answer it through the same API. */
export interface Engine {
  info(signal: AbortSignal): Promise<EngineInfo>
  /** The name of the machine that it runs on. Podman needs a second for it. */
  hostName(signal: AbortSignal): Promise<string>
  /** Answers whether the engine runs as an ordinary user. Podman needs a second for it. */
  isRootless(signal: AbortSignal): Promise<boolean>
  /**
   * Lists every container in every state. A container that vanishes meanwhile is left out. One that the engine cannot inspect is
   * `unreadable`, and hides no other.
   */
  list(signal: AbortSignal, options?: ListOptions): Promise<ContainerFacts[]>
  /** Finds a container by id or name. Answers undefined where there is none. */
  inspect(id: string, signal: AbortSignal): Promise<ContainerFacts | undefined>
  /** The labels of an image. Answers none where the image is gone. */
  imageLabels(imageId: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>
  /** Sends SIGTERM, and SIGKILL after `graceSeconds`. A stopped container is a success. The exit code 137 means that it had to be killed. */
  stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<{ exitCode: number }>
  /** A running container is a success. */
  start(id: string, signal: AbortSignal): Promise<void>
  pause(id: string, signal: AbortSignal): Promise<void>
  unpause(id: string, signal: AbortSignal): Promise<void>
  /** Starts a command in a running container. Use the functions of exec.ts where they fit, because they check how it ended. */
  exec(id: string, request: ExecRequest, signal: AbortSignal): Promise<ExecSession>
  /** Tells that something has changed; only a new listing tells what. It reconnects by itself and ends only with the signal. */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>
  /** A container that is on the network already is a success. */
  connectNetwork(network: string, id: string, signal: AbortSignal): Promise<void>
  /** A container that is not on the network is a success. */
  disconnectNetwork(network: string, id: string, signal: AbortSignal): Promise<void>
  /**
   * Creates a container that runs the program of another one, with its environment and its user, and leaves it stopped. It has the mounts
   * and the network of the request and no others: no port, device, socket, added right or health check of the original. Throws IMAGE_GONE
   * where the image is not on the machine.
   */
  createScratch(request: ScratchRequest, signal: AbortSignal): Promise<ContainerFacts>
  /** Creates a volume. `path` is its folder on the host. */
  createVolume(name: string, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<{ path: string }>
  /** Creates a network that leads nowhere else. The host reaches the containers on it by their addresses. */
  createNetwork(name: string, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
  /** Lists everything that has the label of drills, in any state. */
  listScratch(signal: AbortSignal): Promise<ScratchThing[]>
  /**
   * Removes a container with its processes, a volume or a network. What is gone already is a success. It removes nothing that its own
   * labels and name do not call a thing of a drill: that is INTERNAL. A network with containers on it stays: ENGINE_FAILED.
   */
  removeScratch(thing: Pick<ScratchThing, 'kind' | 'name'>, signal: AbortSignal): Promise<void>
}

export interface ListOptions {
  /**
   * The answer may hold what was inspected for an earlier call with this option, of containers that the engine itself lists as they were
   * then: with the same name, state, health, start and networks. What shows in no list, such as another restart policy or another address
   * on the same network, is known at the latest after sixty calls. It is meant for the passes of a controller. A run MUST NOT set it
   * where it decides what to stop and to replace. Default false.
   */
  recalls?: boolean
}

/** A container for a drill. */
export interface ScratchRequest {
  name: string
  /** Id or name of the container whose program it runs. */
  like: string
  /** Id of the image. What the original has from its own image comes from this one where they differ. */
  imageId: string
  labels: Readonly<Record<string, string>>
  network: string
  /** Names by which others on that network find it. */
  aliases: string[]
  mounts: ScratchMount[]
  /** Limits. A lower one of the original counts. */
  memoryBytes: number
  cpus: number
}

export type ScratchMount =
  | { kind: 'bind'; source: string; destination: string; writable: boolean }
  | { kind: 'memory'; destination: string }

export interface ScratchThing {
  kind: 'container' | 'volume' | 'network'
  name: string
  labels: Readonly<Record<string, string>>
}

export interface EngineInfo {
  name: 'podman' | 'docker'
  version: string
}

/** `stopping`: a stop is under way. The container may still write, and nothing but its end is certain. */
export type ContainerState = 'created' | 'running' | 'paused' | 'stopping' | 'stopped' | 'removing'

/** What an inspect call says of a container. */
export interface ContainerFacts {
  id: string
  /** Without the leading slash. */
  name: string
  engine: EngineInfo['name']
  /** Compose project, service and container number. They are absent where no compose made the container. */
  project?: string
  service?: string
  number?: number
  /** True for a container of `compose run`, which is never a target. */
  oneoff: boolean
  /** The name that the container was created with, fully qualified. */
  image: string
  imageId: string
  labels: Readonly<Record<string, string>>
  state: ContainerState
  /** `none` without a health check. */
  health: 'none' | 'starting' | 'healthy' | 'unhealthy'
  exitCode: number
  /** ISO 8601. It changes with every start. */
  startedAt?: string
  /** The container's own stop timeout; absent where none is set. */
  stopTimeoutSeconds?: number
  /** `Config.User` unchanged: the empty text is root. */
  user: string
  /** It may hold secrets, and MUST NOT be logged or stored. */
  environment: ReadonlyMap<string, string>
  mounts: Mount[]
  /** TCP ports that the image or the compose file exposes, sorted. Absent: none. */
  ports?: number[]
  /** The restart policy, as the engine names it: `always`, `unless-stopped`, `on-failure`. Absent: it never restarts. */
  restart?: string
  /** `gateway` is the address of the host on that network. */
  networks: { name: string; address?: string; gateway?: string }[]
  /** Ports of the host that lead to ports of the container. Absent where none does. */
  published?: { hostPort: number; port: number }[]
  /** True on the network of the host itself (`network_mode: host`). Podman names no network then. */
  onHostNetwork?: boolean
  /** Compose services named by the `depends_on` label. */
  dependsOn: string[]
  /** Ids of the containers that Podman starts before this one (`--requires`, shared namespaces). */
  requires: string[]
  /** The id ranges of a user namespace other than the engine's default. */
  idMap?: { uids: IdRange[]; gids: IdRange[] }
  /** Id of the container whose network namespace this one shares. */
  joins?: string
  /** The systemd unit that its label names. podman-compose sets that label too, for units that it does not make. */
  systemdUnit?: string
  /** True where the engine removes the container as soon as it stops (`--rm`). */
  autoRemove?: true
  /**
   * Numbers, on the host, of the container's first process and of the one that Podman runs for it (conmon). Absent while it is down, and
   * where the engine does not remove the container by itself.
   */
  processes?: number[]
  /**
   * The systemd unit that holds the container, as systemd itself says. It is stopped and started in place of the container, which the
   * engine would remove for good; the container of the next start has another id.
   */
  unit?: string
  /** True where it is gone only while a run holds its unit: the facts are those of before, without the environment. */
  gone?: true
  /** Why the unit that the label names cannot be stopped and started in place of the container, though a systemd is in reach. */
  unitProblem?: string
  /**
   * Why the engine cannot inspect it. Only id, name, labels, image and state are known then, from the list of containers; all else is
   * empty, though the container may have it. Only `list` answers such facts.
   */
  unreadable?: string
}

/** `count` ids from `inside` on, in the user namespace, are those from `outside` on outside of it. */
export interface IdRange {
  inside: number
  outside: number
  count: number
}

export interface Mount {
  /** `other` holds no data that can be kept: memory, a socket or a device. */
  kind: 'volume' | 'bind' | 'other'
  /** Present on a bind mount that is neither a directory nor a regular file: its kind is `other`. A named pipe counts as a device. */
  special?: 'socket' | 'device'
  /** Volume name. */
  name?: string
  /** Path on the host. */
  source: string
  /** Path in the container. */
  destination: string
  writable: boolean
}

export interface ExecRequest {
  /** It MUST NOT hold a secret, because every user of the host can read argv. */
  command: string[]
  /** It may hold secrets: neither inspect nor `ps` shows it. */
  environment?: Record<string, string>
  user?: string
  /** Gives the command a standard input, which `input.end()` MUST end. */
  stdin?: boolean
}

/** A running command. */
export interface ExecSession {
  /** Present when the request asked for it. `end()` half-closes it. EPIPE means that the command stopped reading. */
  input?: Duplex
  /** It ends cleanly only when every frame arrived whole, whatever the exit code. It MUST be read. */
  output: Readable
  /** Answers standard error so far. Where it is longer than 8 KiB, the first and the last half of that are kept. */
  stderr(): string
  /** Settles after the output has ended. Rejects with STREAM_CUT where the engine lost the session. */
  exitCode: Promise<number>
  /** Ends the command in the container. It may be called at any time, and more than once. */
  kill(): Promise<void>
}

export interface EngineEvent {
  /**
   * Docker's name of what happened: `start`, `die`, `remove` and so on. `resync`, without a container, says that events may have been
   * missed and that the containers must be listed anew.
   */
  action: string
  containerId: string
}
