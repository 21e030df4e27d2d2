import type { ManagerSockets } from '../engine/systemd.ts'
import type { NotifyAddress } from '../notify/address.ts'
import type { PlanSettings } from '../plan/plan.ts'
import type { ListenAddress, RepositoryAddress } from './types.ts'

/** The configuration of one process: contract, section 3. */
export interface Config {
  /** `unix:///PATH` or `tcp://HOST:PORT`. */
  engine: string
  /** The sockets of each systemd that may run containers, whether or not they exist. */
  managers: ManagerSockets[]
  /** Under which name snapshots are stored. Absent: see `findHost`. */
  host?: string
  local: RepositoryConfig
  remote?: RepositoryConfig
  /** Whether nothing can be deleted in the remote repository. */
  remoteAppendOnly: boolean
  /** Directory of the catalog. */
  state: string
  /** Level of zstd in archives. */
  compression: number
  /** Number of targets that are backed up at once. */
  concurrency: number
  /** Where page and API are served. Absent: nowhere. */
  listen?: ListenAddress
  /** What whoever reads them has to show. A function, so that nothing that prints a configuration prints it. */
  listenToken?: () => string
  /** A level of pino. */
  logLevel: string
  /** Who is told of what happens. */
  notify: NotifyAddress[]
  /** `project` is absent where none is configured: the controller then takes that of its own container. */
  settings: PlanSettings
}

/** The password is a function, so that nothing that prints a configuration prints it. It answers undefined where none is configured. */
export type RepositoryConfig =
  | Extract<RepositoryAddress, { kind: 'archive' }>
  | (Extract<RepositoryAddress, { kind: 'restic' }> & { password: () => string | undefined })
