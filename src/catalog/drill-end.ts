import type { Check } from '../methods/method.ts'
import type { Tier } from '../repository/repository.ts'

/** `could not run` says nothing about the snapshot, and never counts as passed. */
export type DrillVerdict = 'verified' | 'failed' | 'could not run'

/** One line of a drill. A check that depends on a failed one is not run. */
export interface DrillCheck extends Check {
  state: 'ok' | 'failed' | 'not run'
}

/** The catalog keeps this of a drill, beyond what it keeps of every run. It MUST NOT hold a secret. */
export interface DrillEnd {
  verdict: DrillVerdict
  tier: Tier
  rtoSeconds: number
  checks: DrillCheck[]
  /** Each sentence names something that the drill says nothing about. */
  notTested: string[]
}
