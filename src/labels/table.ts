import { methodRows } from './method-rows.ts'
import { command, containerPath, foreignName, globPattern, splitPatterns, targetName, webAddress } from './names.ts'
import { retention } from './retention.ts'
import { type AnyRow, always, type Row, type RowsOf } from './row.ts'
import { drill, schedule, timezone } from './schedule.ts'
import { type MethodKind, methodKinds, type TargetSpec } from './spec.ts'
import { choice, duration, flag, list } from './text.ts'

export const prefix = 'xnai.backup.'
/** Followed by `<name>.<key>`. */
export const namedPrefix = `${prefix}target.`

/** Labels of the container as a whole: only directly under the prefix. */
export const containerRows = {
  enabled: {
    key: 'enable',
    type: flag,
    absent: 'required',
    doc: '`true` opts in, `false` opts out. Any other label below needs it, `group-writer` and `writer` excepted. What the container has from its image does not count, unless the configuration says `image-labels: use`.',
  },
  groupWriter: {
    key: 'group-writer',
    type: targetName,
    doc: 'This container is stopped (or paused, by `quiesce`) while the targets of that group are captured, whether it is a target itself or not.',
  },
  writer: {
    key: 'writer',
    type: choice(['auto', 'never'], { auto: 'true yes', never: 'false no none' }),
    absent: '`auto`',
    doc: '`never` says that this container writes no data of others, whatever it mounts (a file manager that mounts `/`): it is not held for their sake.',
  },
} satisfies Record<string, AnyRow>

const aMinute = 60
const aDay = 86_400
/** Longer waits would overflow a timer, and no service deserves them. */
const wait = duration('7d')

export const methodRow: Row<MethodKind> = {
  key: 'method',
  type: choice(methodKinds, {
    files: 'file volume directory tar faiss',
    sqlite: 'sqlite3',
    redis: 'valkey',
    postgres: 'postgresql pg',
    mariadb: 'mysql',
    mongodb: 'mongo',
    victoriametrics: 'victoria prometheus',
  }),
  fallback: always('files'),
  doc: 'How the data is taken and put back.',
}

/** Labels of a target of any method. A new one is a field of TargetSpec and a row here. */
export const targetRows: RowsOf<Omit<TargetSpec, 'method' | 'options'>> = {
  name: {
    key: 'name',
    type: targetName,
    absent: 'the compose service, else the container name',
    doc: 'Name of the target, unique within its project. A named target has it in its labels already.',
  },
  schedule: {
    key: 'schedule',
    type: schedule,
    absent: 'config `schedule`',
    doc: 'When it is backed up: cron as Vixie cron reads it, `on-change` of the data, or `manual`.',
  },
  settleSeconds: {
    key: 'settle',
    type: wait,
    fallback: always(aMinute),
    doc: '`on-change`: how long the data must have been still.',
  },
  maxWaitSeconds: {
    key: 'max-wait',
    type: duration(),
    fallback: always(aDay),
    doc: '`on-change`: how long a change waits at most. After that the data is captured although it is not still, which `quiesce: none` cannot do.',
  },
  timezone: {
    key: 'timezone',
    type: timezone,
    absent: 'config `timezone`, then `TZ`, then UTC',
    doc: 'Where the clock of the schedule and the days of the retention are read.',
  },
  paths: {
    key: 'paths',
    type: list(containerPath),
    methods: ['files', 'sqlite'],
    absent: '`files`: every writable mount that is a directory or a regular file; `sqlite`: required',
    doc: 'What is captured: directories or files in the container.',
  },
  exclude: {
    key: 'exclude',
    type: list(globPattern, splitPatterns),
    methods: ['files'],
    absent: '',
    fallback: () => [],
    doc: 'What is left out: glob patterns relative to each path.',
  },
  quiesce: {
    key: 'quiesce',
    type: choice(['stop', 'pause', 'none'], { stop: 'true yes cold down', pause: 'freeze', none: 'false no off hot' }),
    absent: '`files`: `stop`; others: `none`',
    fallback: (method) => (method === 'files' ? 'stop' : 'none'),
    doc: 'What happens, while the data is captured, to every running container that can write it.',
  },
  stopTimeoutSeconds: {
    key: 'stop-timeout',
    type: wait,
    absent: "the container's own",
    doc: 'Grace before SIGKILL.',
  },
  startTimeoutSeconds: {
    key: 'start-timeout',
    type: wait,
    fallback: always(2 * aMinute),
    doc: 'How long a started container may take to run and, where it has a health check, to be healthy.',
  },
  maxStopSeconds: {
    key: 'max-stop',
    type: wait,
    absent: '`2h`; `10m` where the data was read before the stop',
    doc: 'Longest time that a window holds services: then they run again, and the run has failed. In a group the smallest of these labels counts.',
  },
  execPre: {
    key: 'exec-pre',
    type: command,
    doc: 'Command run in the container before the capture. If it fails, the run is given up.',
  },
  execPost: {
    key: 'exec-post',
    type: command,
    doc: 'Command run in the container after the capture, always.',
  },
  execTimeoutSeconds: {
    key: 'exec-timeout',
    type: wait,
    fallback: always(aMinute),
    doc: 'How long each of these commands may take.',
  },
  group: {
    key: 'group',
    type: targetName,
    doc: 'Targets of the same group are captured in one quiesce window and share one set id.',
  },
  retentionLocal: {
    key: 'retention.local',
    type: retention,
    absent: 'config `retention.local`',
    doc: 'What the local repository keeps: the newest snapshot of each day, ISO week or month for so long, and the last so many.',
  },
  retentionRemote: {
    key: 'retention.remote',
    type: retention,
    absent: 'config `retention.remote`',
    doc: 'The same for the remote repository; a snapshot that it would not keep does not go there.',
  },
  rpoSeconds: {
    key: 'rpo',
    type: duration(),
    absent: 'config `rpo`',
    doc: 'The last success must not be older; `status` measures against it.',
  },
  rtoSeconds: {
    key: 'rto',
    type: duration(),
    absent: 'config `rto`',
    doc: 'A restore must not take longer; drills measure against it ([drills](drills.md)).',
  },
  clients: {
    key: 'clients',
    type: list(foreignName('the name of a compose service')),
    absent: 'services whose `depends_on` names this one',
    doc: 'Services kept down while this target is restored, as `project/service` those of other projects.',
  },
  verifyExec: {
    key: 'verify.exec',
    type: command,
    doc: 'After a restore, and in a drill: command in the container that must exit 0.',
  },
  verifyHttp: {
    key: 'verify.http',
    type: webAddress,
    doc: 'After a restore: URL that must answer 2xx. In a drill the scratch container is asked the same.',
  },
  drill: {
    key: 'drill',
    type: drill,
    absent: 'config `drill`',
    doc: 'When a restore is rehearsed in a scratch container, as a cron schedule, or `off` ([drills](drills.md)).',
  },
  drillMaxAgeSeconds: {
    key: 'drill-max-age',
    type: duration(),
    absent: 'config `drill-max-age`',
    doc: 'A proof that is older is outdated: `status` shows it as a problem.',
  },
}

/** A row and the field that its value goes to: of the options where `option` is true, else of the spec itself. */
export interface Place {
  row: AnyRow
  field: string
  option: boolean
}

/** Every key that a target can carry. */
export const places: ReadonlyMap<string, Place> = new Map(
  [
    ...Object.entries(targetRows).map(([field, row]) => ({ row: row as AnyRow, field, option: false })),
    ...Object.entries(methodRows).flatMap(([method, rows]) =>
      Object.entries<AnyRow>(rows).map(([field, row]) => ({
        row: { ...row, methods: [method as MethodKind] },
        field,
        option: true,
      })),
    ),
  ].map((place) => [place.row.key, place]),
)

/** The label of the default target, or of the container. */
export const labelOf = (row: { key: string }): string => `${prefix}${row.key}`

/** May a target of this method carry the label? */
export const belongsTo = (row: AnyRow, method: MethodKind): boolean => row.methods?.includes(method) ?? true
