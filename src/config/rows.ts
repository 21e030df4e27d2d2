import { absolutePath, foreignName } from '../labels/names.ts'
import { retention } from '../labels/retention.ts'
import { drill, schedule, timezone } from '../labels/schedule.ts'
import { choice, duration, integer, list, type TextType } from '../labels/text.ts'
import { engineAddress, listenAddress, notifyAddress, password, repositoryAddress, splitAddresses } from './types.ts'

/** One key of the configuration: how it is spelled, read and documented. */
export interface ConfigRow<T> {
  /** In the file; a dot stands for a nested mapping, too. */
  key: string
  /** Environment variables that override the file, the strongest first. */
  variables: readonly string[]
  /** Environment variables that count where neither those nor the file say anything. */
  weakVariables?: readonly string[]
  type: TextType<T>
  /** The text of the default. */
  fallback?: string
  /** What holds without a value, where that is no text. */
  absent?: string
  doc: string
  /** It may come from the file named by `<variable>_FILE`, and is never shown. */
  secret?: true
}

const row = <T>(key: string, type: TextType<T>, rest: { doc: string } & Partial<ConfigRow<T>>): ConfigRow<T> => ({
  key,
  type,
  variables: [`${variablePrefix}${key.toUpperCase().replace(/[-.]/g, '_')}`],
  ...rest,
})

export const variablePrefix = 'XNAI_BACKUP_'

/** Variables under the prefix that others read: the shipped compose file, and the marker of commands run in containers. */
export const foreignVariables = ['IMAGE', 'SOURCE', 'BASE', 'NAME', 'ENGINE', 'SOCKET_DIR', 'DIR', 'EXEC'].map(
  (name) => `${variablePrefix}${name}`,
)

export const configRows = {
  engine: row('engine', engineAddress, {
    variables: ['CONTAINER_HOST', 'DOCKER_HOST'],
    absent: 'the first socket that exists: Podman, rootless Podman, Docker',
    doc: 'Socket of the container engine.',
  }),
  project: row('project', foreignName('the name of a compose project'), {
    absent: "the controller's own; outside a container: every project",
    doc: 'Compose project whose containers are looked after.',
  }),
  local: row('local', repositoryAddress, { fallback: 'archive:/backups', doc: 'The local repository.' }),
  remote: row('remote', repositoryAddress, { absent: 'none', doc: 'The remote repository.' }),
  localPassword: row('local-password', password, {
    secret: true,
    absent: 'needed for `restic:`',
    doc: 'Password of the local repository.',
  }),
  remotePassword: row('remote-password', password, {
    secret: true,
    absent: 'needed for `restic:`',
    doc: 'Password of the remote repository.',
  }),
  state: row('state', absolutePath('an absolute path'), {
    fallback: '/var/lib/xnai-backup',
    doc: 'Directory of history, locks and notes of what must be undone.',
  }),
  schedule: row('schedule', schedule, { fallback: '0 2 * * *', doc: 'When targets without a schedule are backed up.' }),
  drill: row('drill', drill, { fallback: '0 5 * * 0', doc: 'When restores are rehearsed, or `off`.' }),
  timezone: row('timezone', timezone, {
    weakVariables: ['TZ'],
    fallback: 'UTC',
    absent: '`TZ`, then UTC',
    doc: 'Time zone of schedules and days.',
  }),
  rpo: row('rpo', duration(), { fallback: '24h', doc: 'Greatest age of the last success.' }),
  rto: row('rto', duration(), { fallback: '2h', doc: 'Longest time that a restore may take.' }),
  retentionLocal: row('retention.local', retention, {
    fallback: 'daily=30d,weekly=90d',
    doc: 'What the local repository keeps.',
  }),
  retentionRemote: row('retention.remote', retention, {
    fallback: 'weekly=90d,monthly=1y',
    doc: 'What the remote repository keeps.',
  }),
  listen: row('listen', listenAddress, { fallback: '127.0.0.1:9180', doc: 'Address of metrics and status page.' }),
  notify: row('notify', list(notifyAddress, splitAddresses), {
    absent: 'none',
    doc: 'URLs that are told of failures.',
  }),
  concurrency: row('concurrency', integer(1, 64), { fallback: '2', doc: 'Targets that are backed up at once.' }),
  logLevel: row(
    'log-level',
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { warn: 'warning' }),
    {
      fallback: 'info',
      doc: 'Least important lines that the log shows.',
    },
  ),
}

type Rows = typeof configRows

/** What is configured, by row. */
export type ConfigValues = { [F in keyof Rows]?: Rows[F] extends ConfigRow<infer T> ? T : never }
