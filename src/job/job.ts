import type { Logger } from 'pino'
import type { Catalog, Outcome } from '../catalog/catalog.ts'
import type { Engine } from '../engine/engine.ts'
import type { ErrorReport } from '../errors.ts'
import type { MethodKind } from '../labels/spec.ts'
import type { Clock } from '../lib/clock.ts'
import type { Check, Method } from '../methods/method.ts'
import type { PlanSettings } from '../plan/plan.ts'
import type { Repository, Tier } from '../repository/repository.ts'

/** All that jobs, the controller and the commands work with; main.ts makes it, tests make their own. */
export interface Parts {
  engine: Engine
  catalog: Catalog
  /** One repository a tier, in the order in which a restore asks them. The tier `local` is always there. */
  repositories: ReadonlyMap<Tier, Repository>
  methods: { [K in MethodKind]?: Method<K> }
  clock: Clock
  log: Logger
  settings: PlanSettings
  /** Host path → path for this process; undefined where no own mount leads there. */
  ownPath(hostPath: string): string | undefined
}

/** Told while a job works; every call is optional to heed. */
export interface Progress {
  step(target: string, step: string): void
  bytes(target: string, count: number): void
}

/** One target's part of a backup run: contract, section 5. */
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
  warnings: string[]
  error?: ErrorReport
}

/** One target's part of a restore run: contract, section 5. */
export interface RestoreResult {
  project: string
  target: string
  snapshot?: string
  outcome: Outcome
  seconds: number
  safetySnapshot?: string
  rolledBack: boolean
  checks: Check[]
  warnings: string[]
  error?: ErrorReport
}

/** Of a whole run: complete when all are, failed when none has anything to show, else incomplete. */
export function worstOutcome(results: { outcome: Outcome }[]): Outcome {
  if (results.every(({ outcome }) => outcome === 'complete')) return 'complete'
  return results.every(({ outcome }) => outcome === 'failed') ? 'failed' : 'incomplete'
}
