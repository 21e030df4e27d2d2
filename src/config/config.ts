import type { PlanSettings } from '../plan/plan.ts'
import type { ListenAddress, RepositoryAddress } from './types.ts'

/** The configuration of one process: contract, section 3. */
export interface Config {
  /** `unix:///PATH` or `tcp://HOST:PORT`. */
  engine: string
  local: RepositoryConfig
  remote?: RepositoryConfig
  /** Directory of the catalog. */
  state: string
  listen: ListenAddress
  /** Secret: such addresses carry tokens. */
  notify: string[]
  /** Targets that are backed up at once. */
  concurrency: number
  /** As pino names it. */
  logLevel: string
  /** `project` is absent where none is configured; the controller then takes its own container's. */
  settings: PlanSettings
}

/** `password` is a function, so that nothing that prints a configuration prints it. */
export type RepositoryConfig =
  | Extract<RepositoryAddress, { kind: 'archive' }>
  | (Extract<RepositoryAddress, { kind: 'restic' }> & { password: () => string })
