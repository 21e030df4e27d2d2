/** What labels mean once they are decoded. Times are seconds; an absent field takes its default from the configuration or the container. */

export const methodKinds = [
  'files',
  'sqlite',
  'redis',
  'postgres',
  'mariadb',
  'mongodb',
  'qdrant',
  'victoriametrics',
] as const
export type MethodKind = (typeof methodKinds)[number]

/** Per method: the values of its `<method>.<option>` labels. `…Env` is the name of a variable of the container, never a secret. */
export interface MethodOptions {
  files: Record<never, never>
  sqlite: Record<never, never>
  redis: {
    port: number
    user?: string
    passwordEnv?: string
    passwordFile?: string
    tls: boolean
    cacert?: string
    cert?: string
    key?: string
  }
  postgres: { port?: number; user?: string; databases?: string[]; passwordEnv?: string }
  mariadb: { user: string; databases?: string[]; passwordEnv?: string }
  mongodb: { port: number; user?: string; passwordEnv?: string; tls: boolean; cacert?: string }
  qdrant: { port: number; collections?: string[]; apiKeyEnv?: string; tls: boolean }
  victoriametrics: {
    port: number
    authKeyEnv?: string
    pathPrefix?: string
    user?: string
    passwordEnv?: string
    tls: boolean
  }
}

/** `expression` is five-field cron as Vixie cron reads it; `@daily` and its like are already expanded. */
export type Schedule = { kind: 'cron'; expression: string } | { kind: 'on-change' } | { kind: 'manual' }

/** `stop` and `pause` apply to every running container that can write the captured data; `none` relies on the method. */
export type Quiesce = 'stop' | 'pause' | 'none'

/** Seconds a tier keeps the newest snapshot of each day, ISO week or month; `last` counts snapshots. */
export interface RetentionPolicy {
  daily?: number
  weekly?: number
  monthly?: number
  last?: number
}

interface SpecOf<K extends MethodKind> {
  name?: string
  method: K
  options: MethodOptions[K]
  schedule?: Schedule
  settleSeconds: number
  /** on-change: how long a change waits at most for the data to be still. */
  maxWaitSeconds: number
  timezone?: string
  /** Container paths. Absent: every writable mount of the container that is a directory or a regular file. */
  paths?: string[]
  /** Glob patterns relative to each path. */
  exclude: string[]
  quiesce: Quiesce
  /** Grace before SIGKILL; absent: the container's own. */
  stopTimeoutSeconds?: number
  startTimeoutSeconds: number
  /** Longest time that a window holds services. Absent: two hours, or ten minutes where the data was read before the stop. */
  maxStopSeconds?: number
  /** argv, run in the container; a label without brackets became `/bin/sh -c`. */
  execPre?: string[]
  execPost?: string[]
  execTimeoutSeconds: number
  group?: string
  retentionLocal?: RetentionPolicy
  retentionRemote?: RetentionPolicy
  rpoSeconds?: number
  rtoSeconds?: number
  /** Compose services kept down during a restore, as `service` or `project/service`. Absent: those that depend on this one. */
  clients?: string[]
  verifyExec?: string[]
  verifyHttp?: string
  drill?: Schedule | 'off'
  drillMaxAgeSeconds?: number
}

/** One target as its labels describe it. Narrow by `method` to reach its options. */
export type TargetSpec<K extends MethodKind = MethodKind> = { [M in K]: SpecOf<M> }[K]

/** One label that cannot be used, and what would do. */
export interface LabelProblem {
  /** The whole label key, prefix included; '' where the container as a whole is meant. */
  label: string
  value: string
  reason: string
  /** The nearest valid spelling, where there is one. */
  suggestion?: string
  /** What to do, where no label is to be corrected. */
  hint?: string
}

/** A target whose labels cannot be used keeps its name, so that it can be shown as broken. */
export interface BrokenTarget {
  name?: string
  problems: LabelProblem[]
}

/** All that one container's labels say. */
export interface ContainerLabels {
  enabled: boolean
  targets: TargetSpec[]
  broken: BrokenTarget[]
  groupWriter?: string
  /** `never`: it writes no data of others. Default `auto`: its mounts decide. */
  writer?: 'auto' | 'never'
  /** Problems of the container as a whole; those of one target stand in `broken`. */
  problems: LabelProblem[]
}
