import type { Catalog, Outcome } from '../catalog/catalog.ts'
import type { Engine, Mount } from '../engine/engine.ts'
import type { Units } from '../engine/units.ts'
import type { ErrorReport } from '../errors.ts'
import type { MethodKind } from '../labels/spec.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Check, Method } from '../methods/method.ts'
import type { PlanSettings } from '../plan/plan.ts'
import type { Repository, Tier } from '../repository/repository.ts'

/** Everything that jobs, the controller and the commands work with. main.ts builds the real parts, tests build their own. */
export interface Parts {
  engine: Engine
  /** systemd, where it may run containers. Absent: no unit is ever stopped or started. */
  units?: Units
  catalog: Catalog
  /** The repository of each tier, in the order in which a restore asks them. The tier `local` is always there. */
  repositories: ReadonlyMap<Tier, Repository>
  methods: { [K in MethodKind]?: Method<K> }
  clock: Clock
  log: Log
  settings: PlanSettings
  /** The name under which this host stores snapshots, where several share a repository. */
  host: string
  /** Maps a path of the host to the path for this process. Returns undefined where no mount of its own leads there. */
  ownPath(hostPath: string): string | undefined
  /** The mounts of the container that this process runs in. Absent on the host. */
  ownMounts?: Mount[]
}

/** Receives what a job is doing while it works. */
export interface Progress {
  /** `step`: plain words for people, `stopped, copying the rest`. `target` is the key of the target, here and in `bytes`. */
  step(target: string, step: string): void
  bytes(target: string, count: number): void
}

/** The result of one target in a backup run, as `backup --json` prints it. */
export interface BackupResult {
  project: string
  target: string
  method: string
  outcome: Outcome
  snapshot?: string
  set?: string
  bytes?: number
  storedBytes?: number
  files?: number
  seconds: number
  downtimeSeconds: number
  stopped: string[]
  /** How long each of them was down or paused, by its name. */
  heldSeconds: Record<string, number>
  warnings: string[]
  error?: ErrorReport
}

/** The result of one target in a restore run, as `restore --json` prints it. */
export interface RestoreResult {
  project: string
  target: string
  snapshot?: string
  outcome: Outcome
  /** From the begin of the command until the target was done. */
  seconds: number
  /** How long the service, or a client or writer of its data, was down. */
  downtimeSeconds: number
  /** Present where the service did not run before the restore, and therefore does not run after it. */
  left?: 'stopped' | 'paused'
  safetySnapshot?: string
  /** `raw`: the safety snapshot holds the data paths as they lay on disk, because the method could not capture them. */
  safety?: 'raw'
  rolledBack: boolean
  /** The folder that a restore beside the stack made, as a path of the host. */
  wrote?: string
  checks: Check[]
  warnings: string[]
  error?: ErrorReport
}

/** The outcome of a whole run: complete when all targets are, failed when all failed, else incomplete. */
export function worstOutcome(results: { outcome: Outcome }[]): Outcome {
  if (results.every(({ outcome }) => outcome === 'complete')) return 'complete'
  return results.every(({ outcome }) => outcome === 'failed') ? 'failed' : 'incomplete'
}
