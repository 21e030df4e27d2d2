import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type EngineApi, type ExecOptions, engineApi } from './engine-api.ts'
import { newWitness, type Witness } from './witness.ts'

const runFile = promisify(execFile)
const checkout = join(import.meta.dirname, '..')

/** The image with all servers; `svc NAME` in it runs one, see lab/images/services/svc. */
export const servicesImage = 'localhost/xnai-services'
/** The only image of a lab on Docker: Redis, a shell and its usual programs. */
export const redisImage = 'localhost/xnai-redis'

/** A Podman of its own for one test file: nothing it does is seen by another, and `stop` leaves nothing. */
export interface Lab extends AsyncDisposable, Pick<EngineApi, 'exec' | 'list'> {
  /** Folder of this lab, removed with it; tests may put files in `LAB/files`. */
  readonly dir: string
  /** Path of the API's Unix socket. Bind its folder, not itself, into a container. */
  readonly socket: string
  /** Environment under which podman, compose programs and the product work with this lab. */
  readonly env: Record<string, string>
  /** Compose project of `run` and `compose`; unique, because Podman's name server shares files by network name. */
  readonly project: string
  /** `run` tells it the secrets of the services. */
  readonly witness: Witness
  /** Standard output of podman, on Docker of its command line; rejects with its standard error in the message. */
  podman(args: string[], options?: ProgramOptions): Promise<string>
  /** docker-compose v2 on `files` (relative to the checkout), in this lab's project. */
  compose(files: string[], args: string[], options?: ProgramOptions): Promise<string>
  /** podman-compose on `files`, as above. On Podman before 4.6 it waits forever for `condition: service_healthy`. */
  podmanCompose(files: string[], args: string[], options?: ProgramOptions): Promise<string>
  /**
   * Starts one service as compose would: labelled with project and service, on the project's network under its name.
   */
  run(service: LabService): Promise<LabContainer>
  /** What inspect says of a container; rejects when there is none. */
  inspect(container: string): Promise<Inspected>
  stop(): Promise<void>
}

export interface ProgramOptions {
  /** Added to the lab's own. */
  env?: Record<string, string>
  cwd?: string
  /** Default 300. */
  timeoutSeconds?: number
}

export interface LabService {
  name: string
  /** Default: the services image. */
  image?: string
  /** Default: `svc NAME`. */
  command?: string[]
  labels?: Record<string, string>
  env?: Record<string, string>
  /** Each as podman's `--volume` takes it. */
  volumes?: string[]
  user?: string
  /** Create it and leave it unstarted. Default false. */
  create?: boolean
  /** Shell command; the lab must run with `health: true`. */
  health?: string
  /** Further arguments of `podman run`, before the image. */
  args?: string[]
}

export interface LabContainer {
  readonly id: string
  /** `PROJECT-NAME-1`, as compose names it. */
  readonly name: string
  /** Standard output of a command in the container. */
  exec(command: string[], options?: ExecOptions): Promise<string>
}

export interface Inspected {
  Id: string
  State: { Status: string; Running: boolean; Paused: boolean; StartedAt: string; Health?: { Status: string } }
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean }[]
  Config: { Labels: Record<string, string> | null }
  /** Where Docker says it. */
  LogPath?: string
  HostConfig: { LogConfig: { Path?: string } }
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
}

export type LabEngine = 'podman' | 'podman5' | 'docker'

export interface LabOptions {
  /** Run the containers' health checks, which needs systemd otherwise. Default false. */
  health?: boolean
  /** Docker alone: the controller's image is there too, which takes some seconds. Default false. */
  controller?: boolean
  /**
   * Default: what the variable XNAI_LAB_ENGINE says, else podman, which is the machine's own. The networks of a lab on Docker are not
   * reached from outside.
   */
  engine?: LabEngine
}

/** A lab of this process; a lab that a killed process left is taken down first. */
export async function startLab(name: string, options: LabOptions = {}): Promise<Lab> {
  const extras = [...(options.health ? ['--health'] : []), ...(options.controller ? ['--controller'] : [])]
  const flags = [...extras, '--owner', String(process.pid)]
  const engine = options.engine ?? process.env.XNAI_LAB_ENGINE ?? 'podman'
  const script = join(checkout, `lab/private-${engine}.sh`)
  const { stdout } = await runFile(script, ['up', name, ...flags], { timeout: 300_000 })
  const env = parseEnvironment(stdout)
  const folder = value(env, 'LAB_FOLDER')
  return attachLab(env, value(env, 'LAB_PROJECT'), folder, async () => {
    await runFile(script, ['down', folder], { timeout: 300_000 })
  })
}

/** A lab on a Podman that runs already and is reached by the variables `env`. */
export function attachLab(
  env: Record<string, string>,
  project: string,
  dir: string,
  stop: () => Promise<void> = async () => {},
): Lab {
  const socket = value(env, 'DOCKER_HOST').replace('unix://', '')
  const { exec, list, inspect } = engineApi(socket, env.LAB_ENGINE === undefined ? 'podman' : 'docker')
  const lab: Lab = {
    dir,
    socket,
    env,
    project,
    witness: newWitness(),
    podman: (args, programOptions) => program(env, env.LAB_ENGINE ?? 'podman', args, programOptions),
    compose: (files, args, programOptions) =>
      program(env, value(env, 'LAB_COMPOSE'), composeArguments(lab, files, args), programOptions),
    podmanCompose: (files, args, programOptions) =>
      program(env, value(env, 'LAB_PODMAN_COMPOSE'), composeArguments(lab, files, args), programOptions),
    run: (service) => runService(lab, service),
    exec,
    list,
    inspect: async (container) => (await inspect(container)) as Inspected,
    stop,
    [Symbol.asyncDispose]: () => lab.stop(),
  }
  return lab
}

/** A machine that does much else needs this many times as long as one that does nothing else. */
const patience = 3

/**
 * Polls until `check` returns something truthy; an error counts as not yet, and the last one is the cause when time is
 * up. `seconds` is the limit on a machine that does nothing else.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  seconds: number,
  what: string,
): Promise<NonNullable<T>> {
  const limit = seconds * patience
  const end = performance.now() + limit * 1000
  let cause: unknown
  for (;;) {
    try {
      const result = await check()
      if (result) return result
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > end) throw new Error(`not within ${limit} s: ${what}`, { cause })
    await sleep(100)
  }
}

async function runService(lab: Lab, service: LabService): Promise<LabContainer> {
  lab.witness.learn(service.env)
  const name = `${lab.project}-${service.name}-1`
  const labels = {
    'com.docker.compose.project': lab.project,
    'com.docker.compose.service': service.name,
    'com.docker.compose.container-number': '1',
    ...service.labels,
  }
  const network = `${lab.project}_default`
  await ensureNetwork(lab, network)
  const id = await lab.podman([
    ...(service.create ? ['create'] : ['run', '--detach']),
    ...['--name', name, '--network', network, '--network-alias', service.name],
    ...Object.entries(labels).flatMap(([key, text]) => ['--label', `${key}=${text}`]),
    ...Object.entries(service.env ?? {}).flatMap(([key, text]) => ['--env', `${key}=${text}`]),
    ...(service.volumes ?? []).flatMap((volume) => ['--volume', volume]),
    ...(service.user ? ['--user', service.user] : []),
    ...(service.health
      ? ['--health-cmd', service.health, '--health-interval', '1s', '--health-start-period', '1m']
      : []),
    ...(service.args ?? []),
    service.image ?? servicesImage,
    ...(service.command ?? ['svc', service.name]),
  ])
  return { id: id.trim(), name, exec: (command, options) => lab.exec(name, command, options) }
}

/** Several services may start at once: one that lost the race to create the network finds it. A Podman comes with its network. */
async function ensureNetwork(lab: Lab, network: string): Promise<void> {
  if (lab.env.LAB_NETWORK === network) return
  const inspect = () => lab.podman(['network', 'inspect', network])
  const labels = ['com.docker.compose.network=default', `com.docker.compose.project=${lab.project}`]
  const create = ['network', 'create', ...labels.flatMap((label) => ['--label', label]), network]
  await inspect().catch(() => lab.podman(create).catch(inspect))
}

function composeArguments(lab: Lab, files: string[], args: string[]): string[] {
  return ['--project-name', lab.project, ...files.flatMap((file) => ['--file', resolve(checkout, file)]), ...args]
}

async function program(
  env: Record<string, string>,
  file: string,
  args: string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { stdout } = await runFile(file, args, {
    env: { ...process.env, ...env, ...options.env },
    cwd: options.cwd,
    timeout: (options.timeoutSeconds ?? 300) * 1000,
    maxBuffer: 256 * 1024 * 1024,
  })
  return stdout
}

/** What a script of the lab printed: one NAME=value a line. */
export function parseEnvironment(lines: string): Record<string, string> {
  return Object.fromEntries(
    lines
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )
}

function value(env: Record<string, string>, name: string): string {
  const text = env[name]
  if (text === undefined) throw new Error(`the lab's environment does not say ${name}`)
  return text
}
