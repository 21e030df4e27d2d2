import { asBackupError } from '../errors.ts'
import type { CurrentPlan } from '../job/current-plan.ts'
import type { Parts } from '../job/job.ts'
import type { KnownRepository } from '../repository/known-repository.ts'
import type { Tier } from '../repository/repository.ts'

/** One line of `doctor`: contract, section 5. */
export interface Diagnosis {
  /** What was looked at: `engine`, `repository local`. */
  name: string
  ok: boolean
  /** What was found, as a sentence without a full stop. */
  detail: string
  /** What to do about it; null where there is nothing to do. */
  fix: string | null
}

/** What the checks look at. */
export interface Patient {
  parts: Parts & { repositories: ReadonlyMap<Tier, KnownRepository> }
  /** Address of the engine, as configured. */
  engine: string
  /** The state directory. */
  state: string
  /** User id of this process; undefined where the system has none. */
  userId: number | undefined
  /** The containers and their plan, or the error where the engine does not list them. */
  stack: CurrentPlan | Error
  signal: AbortSignal
}

/** One thing that `doctor` looks at. Each has a file in `checks/`. It changes nothing that stays. */
export type Check = (patient: Patient) => Diagnosis[] | Promise<Diagnosis[]>

export const good = (name: string, detail: string): Diagnosis => ({ name, ok: true, detail, fix: null })

export const bad = (name: string, detail: string, fix: string): Diagnosis => ({ name, ok: false, detail, fix })

/** A failure as a finding, with its hint as the fix. */
export function failed(name: string, error: unknown): Diagnosis {
  const { message, hint } = asBackupError(error)
  return bad(name, message, hint)
}

/** A good line where nothing was found. */
export const orGood = (found: Diagnosis[], name: string, detail: string): Diagnosis[] =>
  found.length > 0 ? found : [good(name, detail)]
