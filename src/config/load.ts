import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { BackupError } from '../errors.ts'
import { problemOf } from '../labels/problem.ts'
import type { LabelProblem } from '../labels/spec.ts'
import type { PlanSettings } from '../plan/plan.ts'
import type { Config, RepositoryConfig } from './config.ts'
import { readYaml } from './file.ts'
import { type Environment, readValues } from './read.ts'
import type { ConfigValues } from './rows.ts'
import type { RepositoryAddress } from './types.ts'

export const defaultConfigFile = '/etc/xnai-backup/config.yaml'

export interface ConfigSources {
  /** As given by --config: it must exist. Absent: the default file, which may be missing. */
  file?: string | undefined
  env?: Environment
  /** Rejects with ENOENT where there is none. */
  readFile?: (path: string) => Promise<string>
  /** Is there a file or socket? */
  exists?: (path: string) => boolean
}

/** Reads file and environment. Throws one CONFIG_INVALID that lists every problem; secrets are not in it. */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  const { env = process.env, readFile: read = readText, exists = existsSync } = sources
  const problems: LabelProblem[] = []
  const file = sources.file ?? defaultConfigFile
  const content = await readConfigFile(file, sources.file !== undefined, read)
  const texts = readYaml(file, content, problems)
  const values = await readValues(texts, env, read, problems)
  checkRepositories(values, problems)
  if (problems.length > 0) throw configInvalid(file, problems)
  return makeConfig(values as Complete, values.engine ?? findSocket(env, exists))
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
  { local, remote, localPassword, remotePassword }: ConfigValues,
  problems: LabelProblem[],
): void {
  const needs = 'is missing: a restic repository needs a password'
  if (local?.kind === 'restic' && localPassword === undefined) problems.push(problemOf('local-password', '', needs))
  if (remote?.kind === 'restic' && remotePassword === undefined) problems.push(problemOf('remote-password', '', needs))
  if (local && remote && JSON.stringify(local) === JSON.stringify(remote))
    problems.push(problemOf('remote', '', 'is the same repository as local'))
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

/** The first that exists; else the usual one, which the first call will miss by name. */
function findSocket(env: Environment, exists: (path: string) => boolean): string {
  const rootful = '/run/podman/podman.sock'
  const rootless = env.XDG_RUNTIME_DIR ? [`${env.XDG_RUNTIME_DIR}/podman/podman.sock`] : []
  return `unix://${[rootful, ...rootless, '/var/run/docker.sock'].find(exists) ?? rootful}`
}

type Optional = 'engine' | 'project' | 'remote' | 'localPassword' | 'remotePassword' | 'notify'

/** Without a problem every row with a default has its value. */
type Complete = Required<Omit<ConfigValues, Optional>> & Pick<ConfigValues, Optional>

function makeConfig(values: Complete, engine: string): Config {
  const { local, remote, state, listen, notify = [], concurrency, logLevel } = values
  return {
    engine,
    local: withPassword(local, values.localPassword),
    ...(remote && { remote: withPassword(remote, values.remotePassword) }),
    state,
    listen,
    notify,
    concurrency,
    logLevel,
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
    retention: { local: values.retentionLocal, remote: values.retentionRemote },
  }
}

function withPassword(address: RepositoryAddress, password = ''): RepositoryConfig {
  return address.kind === 'archive' ? address : { ...address, password: () => password }
}
