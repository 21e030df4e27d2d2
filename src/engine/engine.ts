import type { Duplex, Readable } from 'node:stream'

/** What the rest of the product knows of a container engine. Podman and Docker answer it through the same API. */
export interface Engine {
  info(signal: AbortSignal): Promise<EngineInfo>
  /** Takes Podman a second. */
  isRootless(signal: AbortSignal): Promise<boolean>
  /** Every container in every state. One that vanishes while the list is made is left out. */
  list(signal: AbortSignal): Promise<ContainerFacts[]>
  /** By id or name; undefined where there is none. */
  inspect(id: string, signal: AbortSignal): Promise<ContainerFacts | undefined>
  /** SIGTERM, after `graceSeconds` SIGKILL. A stopped container is a success. Answers the exit code: 137 means it had to be killed. */
  stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<{ exitCode: number }>
  /** A running container is a success. */
  start(id: string, signal: AbortSignal): Promise<void>
  pause(id: string, signal: AbortSignal): Promise<void>
  unpause(id: string, signal: AbortSignal): Promise<void>
  /** Starts a command in a running container. Prefer the helpers of exec.ts, which judge its end. */
  exec(id: string, request: ExecRequest, signal: AbortSignal): Promise<ExecSession>
  /** Hints that something changed, never the truth about it. Reconnects by itself; ends only with the signal. */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>
  /** A container that is on the network already is a success. */
  connectNetwork(network: string, id: string, signal: AbortSignal): Promise<void>
  /** A container that is not on the network is a success. */
  disconnectNetwork(network: string, id: string, signal: AbortSignal): Promise<void>
}

export interface EngineInfo {
  name: 'podman' | 'docker'
  version: string
}

/** `stopping`: a stop is under way. The container may still write, and nothing but its end is certain. */
export type ContainerState = 'created' | 'running' | 'paused' | 'stopping' | 'stopped' | 'removing'

/** An inspect answer, parsed once. */
export interface ContainerFacts {
  id: string
  /** Without the leading slash. */
  name: string
  /** Compose project, service and container number; absent outside compose. */
  project?: string
  service?: string
  number?: number
  /** `compose run` containers: never a target. */
  oneoff: boolean
  /** As the container was created with, fully qualified. */
  image: string
  imageId: string
  labels: Readonly<Record<string, string>>
  state: ContainerState
  /** `none` without a health check. */
  health: 'none' | 'starting' | 'healthy' | 'unhealthy'
  exitCode: number
  /** ISO 8601; changes with every start. */
  startedAt?: string
  /** Seconds of the container's own stop timeout; absent where the engine has none. */
  stopTimeoutSeconds?: number
  /** Config.User as it stands: '' is root. */
  user: string
  /** May hold secrets: never log, never store. */
  environment: ReadonlyMap<string, string>
  mounts: Mount[]
  networks: { name: string; address?: string }[]
  /** Compose services named by the `depends_on` label. */
  dependsOn: string[]
  /** Container ids that podman starts before this one (`--requires`, shared namespaces). */
  requires: string[]
  /** User namespace other than the engine's default: first id in it, first id outside, count. */
  idMap?: { uids: IdRange[]; gids: IdRange[] }
  /** Container whose network namespace this one shares. */
  joins?: string
  systemdUnit?: string
}

export interface IdRange {
  inside: number
  outside: number
  count: number
}

export interface Mount {
  kind: 'volume' | 'bind' | 'other'
  /** Volume name. */
  name?: string
  /** Path on the host. */
  source: string
  /** Path in the container. */
  destination: string
  writable: boolean
}

export interface ExecRequest {
  /** argv: visible to everybody on the host, so never a secret in it. */
  command: string[]
  /** The right place for secrets: neither inspect nor `ps` shows it. */
  environment?: Record<string, string>
  user?: string
  /** Give the command a standard input. Its end must be sent by `input.end()`. */
  stdin?: boolean
}

/** A running command. */
export interface ExecSession {
  /** Present when the request asked for it; `end()` half-closes, EPIPE means that the command stopped reading. */
  input?: Duplex
  /** Ends cleanly only when every frame arrived whole; says nothing of the exit code. Must be read. */
  output: Readable
  /** The last 8 KiB of standard error so far. */
  stderr(): string
  /** Settles after the output has ended; rejects with STREAM_CUT where the engine lost the session. */
  exitCode: Promise<number>
  /** Ends the command in the container; safe to call at any time. */
  kill(): Promise<void>
}

export interface EngineEvent {
  /** `start` `die` `remove` and so on, Docker's names; `resync`, without a container, when events may have been missed: list again. */
  action: string
  containerId: string
}
