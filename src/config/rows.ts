import { absolutePath, foreignName } from '../labels/names.ts'
import { retention } from '../labels/retention.ts'
import { drill, schedule, timezone } from '../labels/schedule.ts'
import { choice, duration, integer, list, type TextType } from '../labels/text.ts'
import {
  accessToken,
  engineAddress,
  hostName,
  listenAddress,
  notifyAddress,
  password,
  repositoryAddress,
  splitAddresses,
} from './types.ts'

/** One key of the configuration: how it is spelled, read and documented. */
export interface ConfigRow<T> {
  /** The key in the file. A dot may also be written as a nested mapping. */
  key: string
  /** Environment variables that override the file, the strongest first. */
  variables: readonly string[]
  /** Environment variables that count where neither those nor the file say anything. */
  weakVariables?: readonly string[]
  type: TextType<T>
  /** The text of the default. */
  fallback?: string
  /** What the docs say of the default where it is not the text of `fallback`. */
  absent?: string
  doc: string
  /** The value may come from the file that `<variable>_FILE` names, and it is never shown. */
  secret?: true
}

const row = <T>(key: string, type: TextType<T>, rest: { doc: string } & Partial<ConfigRow<T>>): ConfigRow<T> => ({
  key,
  type,
  variables: [`${variablePrefix}${key.toUpperCase().replace(/[-.]/g, '_')}`],
  ...rest,
})

export const variablePrefix = 'XNAI_BACKUP_'

/** Variables under the prefix that the shipped compose file and the build of the image read, and the one that marks the commands that are run in containers. */
export const foreignVariables = ['IMAGE', 'BASE', 'NAME', 'ENGINE', 'SOCKET_DIR', 'DIR', 'EXEC'].map(
  (name) => `${variablePrefix}${name}`,
)

export const configRows = {
  engine: row('engine', engineAddress, {
    variables: ['CONTAINER_HOST', 'DOCKER_HOST'],
    absent: 'the first socket that exists: Podman, rootless Podman, Docker',
    doc: 'Address of the container engine.',
  }),
  project: row('project', foreignName('the name of a compose project'), {
    absent: "the controller's own; outside a container: every project",
    doc: 'Compose project whose containers are looked after.',
  }),
  host: row('host', hostName, {
    absent: "the machine's name, as it was at the first start",
    doc: 'Whose snapshots these are where hosts share a repository ([hosts](hosts.md)).',
  }),
  local: row('local', repositoryAddress, { fallback: 'archive:/backups', doc: 'The local repository.' }),
  remote: row('remote', repositoryAddress, { absent: 'none', doc: 'The remote repository ([tiers](tiers.md)).' }),
  remoteAppendOnly: row('remote-append-only', choice(['false', 'true'] as const, { false: 'no', true: 'yes' }), {
    fallback: 'false',
    doc: 'Whether nothing can be deleted in the remote repository: it is left alone by `prune`, and `check --tamper` proves it.',
  }),
  localPassword: row('local-password', password, {
    secret: true,
    absent: 'made with a `restic:` repository, and kept in the state directory',
    doc: 'Password of the local repository; `repository key` prints it.',
  }),
  remotePassword: row('remote-password', password, {
    secret: true,
    absent: 'made with a `restic:` repository, and kept in the state directory',
    doc: 'Password of the remote repository.',
  }),
  state: row('state', absolutePath('an absolute path'), {
    fallback: '/var/lib/xnai-backup',
    doc: 'Directory of history, locks and intents (what must be undone after a crash).',
  }),
  schedule: row('schedule', schedule, { fallback: '0 2 * * *', doc: 'When targets without a schedule are backed up.' }),
  drill: row('drill', drill, {
    fallback: '0 5 * * 0',
    doc: 'When restores are rehearsed in scratch containers, or `off` ([drills](drills.md)).',
  }),
  drillMaxAge: row('drill-max-age', duration(), {
    fallback: '14d',
    doc: 'Age from which the proof of a drill is outdated.',
  }),
  timezone: row('timezone', timezone, {
    weakVariables: ['TZ'],
    fallback: 'UTC',
    absent: '`TZ`, then UTC',
    doc: 'Time zone of schedules and days.',
  }),
  rpo: row('rpo', duration(), { fallback: '24h', doc: 'Greatest age that the last success may have.' }),
  rto: row('rto', duration(), { fallback: '2h', doc: 'Longest time that a restore may take.' }),
  retentionLocal: row('retention.local', retention, {
    fallback: 'daily=30d,weekly=90d',
    doc: 'Which snapshots the local repository keeps ([retention](retention.md)).',
  }),
  retentionRemote: row('retention.remote', retention, {
    fallback: 'weekly=90d,monthly=1y',
    doc: 'Which snapshots go to the remote repository and stay there.',
  }),
  listen: row('listen', listenAddress, {
    fallback: '127.0.0.1:9180',
    doc: 'Address of the status page and its API ([page](page.md)). Anywhere but on loopback it needs a token.',
  }),
  listenToken: row('listen-token', accessToken, {
    secret: true,
    absent: 'none',
    doc: 'Token that the page and its API ask for.',
  }),
  notify: row('notify', list(notifyAddress, splitAddresses), {
    secret: true,
    absent: 'none',
    doc: 'Who is told of failures and other events ([notify](notify.md)).',
  }),
  compression: row('compression', integer(1, 19), {
    fallback: '3',
    doc: 'Level of zstd in archives: 1 is the fastest. restic has a variable of its own, `RESTIC_COMPRESSION`.',
  }),
  concurrency: row('concurrency', integer(1, 64), { fallback: '2', doc: 'Targets that are backed up at once.' }),
  imageLabels: row('image-labels', choice(['ignore', 'use'] as const, { ignore: 'false no', use: 'true yes' }), {
    fallback: 'ignore',
    doc: 'Whether labels that a container has from its image count like its own.',
  }),
  logLevel: row(
    'log-level',
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { warn: 'warning' }),
    {
      fallback: 'info',
      doc: 'Least important lines that the log shows. At debug, a failure has its stack.',
    },
  ),
}

type Rows = typeof configRows

/** What is configured, by row. */
export type ConfigValues = { [F in keyof Rows]?: Rows[F] extends ConfigRow<infer T> ? T : never }
