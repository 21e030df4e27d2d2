import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ManagerSockets } from '../engine/systemd.ts'
import { BackupError } from '../errors.ts'
import { problemOf } from '../labels/problem.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { masked } from '../labels/text.ts'
import { isLoopback } from '../lib/loopback.ts'
import type { PlanSettings } from '../plan/plan.ts'
import type { Config, RepositoryConfig } from './config.ts'
import { type Environment, readValues } from './read.ts'
import type { ConfigValues } from './rows.ts'
import { formatListen, type RepositoryAddress } from './types.ts'

export const defaultConfigFile = '/etc/xnai-backup/config.yaml'

export interface ConfigSources {
  /** The file that `--config` names, which must exist. Absent: the default file, which may be missing. */
  file?: string | undefined
  env?: Environment
  /** Rejects with ENOENT where there is no such file. */
  readFile?: (path: string) => Promise<string>
  /** Answers whether there is a file or socket at the path. */
  exists?: (path: string) => boolean
}

/** Reads file and environment. Throws one CONFIG_INVALID that lists every problem and holds no secret. */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  const { env = process.env, readFile: read = readText, exists = existsSync } = sources
  const problems: LabelProblem[] = []
  const file = sources.file ?? defaultConfigFile
  const content = await readConfigFile(file, sources.file !== undefined, read)
  // Most controllers have no file, and every command would load the parser.
  const texts =
    content === '' ? new Map<string, string>() : (await import('./file.ts')).readYaml(file, content, problems)
  const values = await readValues(texts, env, read, problems)
  checkRepositories(values, problems)
  checkListen(values, problems)
  if (problems.length > 0) throw configInvalid(file, problems)
  return makeConfig(values as Complete, values.engine ?? findSocket(env, exists), findManagers(env))
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8')

async function readConfigFile(
  file: string,
  required: boolean,
  read: (path: string) => Promise<string>,
): Promise<string> {
  try {
    return await read(file)
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !required) return ''
    throw new BackupError('CONFIG_INVALID', `the configuration file ${file} cannot be read: ${code}`, { cause: error })
  }
}

function checkRepositories(
  { local, remote, localPassword, remotePassword, remoteAppendOnly }: ConfigValues,
  problems: LabelProblem[],
): void {
  checkPassword('local-password', local, localPassword, problems)
  checkPassword('remote-password', remote, remotePassword, problems)
  if (local && remote && JSON.stringify(local) === JSON.stringify(remote))
    problems.push(problemOf('remote', '', 'is the same repository as local'))
  if (!remote && remoteAppendOnly === 'true')
    problems.push(problemOf('remote-append-only', 'true', 'goes with a remote repository only'))
}

/** Whoever reaches the address reads what is shown there. A row with a problem of its own has no value, and is not judged again. */
function checkListen({ listen, listenToken }: ConfigValues, problems: LabelProblem[]): void {
  if (listen === undefined || listen === 'off' || isLoopback(listen.host)) return
  if (listenToken !== undefined || problems.some(({ label }) => /listen-token|LISTEN_TOKEN/.test(label))) return
  const reason = 'needs listen-token too, because others than this machine reach the address'
  problems.push(problemOf('listen', formatListen(listen), reason))
}

/** A password that opens nothing would do nothing. */
function checkPassword(
  key: string,
  repository: RepositoryAddress | undefined,
  password: string | undefined,
  problems: LabelProblem[],
): void {
  if (repository?.kind !== 'restic' && password !== undefined)
    problems.push(problemOf(key, masked, 'goes with a restic repository only'))
}

function configInvalid(file: string, problems: LabelProblem[]): BackupError {
  const lines = problems.map(({ label, value, reason, suggestion }) => {
    const shown = value === '' ? label : `${label} = ${value}`
    return `\n  ${shown}: ${reason}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`
  })
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  return new BackupError(
    'CONFIG_INVALID',
    `${count} in the configuration (${file} and the environment):${lines.join('')}`,
  )
}

/** The first socket that exists. Without any it is Podman's usual one, so that the error of the first call names it. */
function findSocket(env: Environment, exists: (path: string) => boolean): string {
  const rootful = '/run/podman/podman.sock'
  const rootless = env.XDG_RUNTIME_DIR ? [`${env.XDG_RUNTIME_DIR}/podman/podman.sock`] : []
  return `unix://${[rootful, ...rootless, '/var/run/docker.sock'].find(exists) ?? rootful}`
}

/**
 * The sockets of systemd: those of the system's manager and those of the user's, the bus before the socket of the manager itself. The
 * variables are those of D-Bus.
 */
function findManagers(env: Environment): ManagerSockets[] {
  const own = env.XDG_RUNTIME_DIR
  return [
    [...busSocket(env.DBUS_SYSTEM_BUS_ADDRESS), bus('/run/dbus/system_bus_socket'), manager('/run/systemd/private')],
    [
      ...busSocket(env.DBUS_SESSION_BUS_ADDRESS),
      ...(own ? [bus(`${own}/bus`), manager(`${own}/systemd/private`)] : []),
    ],
  ]
}

const bus = (path: string) => ({ path, isBus: true })
const manager = (path: string) => ({ path, isBus: false })

/** Of an address of D-Bus only a socket with a path is of use here. */
function busSocket(address = ''): ManagerSockets {
  const path = /(?:^|;)unix:(?:[^;]*,)?path=([^,;]+)/.exec(address)?.[1]
  return path === undefined ? [] : [bus(decodeURIComponent(path))]
}

type Optional = 'engine' | 'project' | 'host' | 'remote' | 'localPassword' | 'remotePassword' | 'listenToken' | 'notify'

/** The values of a configuration without problems: every row with a default has one. */
type Complete = Required<Omit<ConfigValues, Optional>> & Pick<ConfigValues, Optional>

function makeConfig(values: Complete, engine: string, managers: ManagerSockets[]): Config {
  const { local, remote, state, compression, concurrency, logLevel, listen, listenToken } = values
  return {
    engine,
    managers,
    ...(values.host !== undefined && { host: values.host }),
    local: withPassword(local, values.localPassword),
    ...(remote && { remote: withPassword(remote, values.remotePassword) }),
    remoteAppendOnly: values.remoteAppendOnly === 'true',
    state,
    compression,
    concurrency,
    logLevel,
    ...(listen !== 'off' && { listen }),
    ...(listenToken !== undefined && { listenToken: () => listenToken }),
    notify: values.notify ?? [],
    settings: makeSettings(values),
  }
}

function makeSettings({ project, schedule, drill, timezone, ...values }: Complete): PlanSettings {
  return {
    ...(project !== undefined && { project }),
    schedule,
    drill,
    timezone,
    rpoSeconds: values.rpo,
    rtoSeconds: values.rto,
    drillMaxAgeSeconds: values.drillMaxAge,
    retention: { local: values.retentionLocal, remote: values.retentionRemote },
    imageLabels: values.imageLabels,
  }
}

function withPassword(address: RepositoryAddress, password: string | undefined): RepositoryConfig {
  return address.kind === 'archive' ? address : { ...address, password: () => password }
}
