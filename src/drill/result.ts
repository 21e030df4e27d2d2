import type { Outcome, RunStep } from '../catalog/catalog.ts'
import type { DrillCheck, DrillVerdict } from '../catalog/drill-end.ts'
import type { ErrorCode, ErrorReport } from '../errors.ts'
import type { Tier } from '../repository/repository.ts'

/** The result of one target in a drill, as `verify --json` prints it. */
export interface DrillResult {
  project: string
  target: string
  snapshot?: string
  tier?: Tier
  /** `complete` for a verified snapshot alone. */
  outcome: Outcome
  verdict: DrillVerdict
  /** From the first byte that was read to the last check. The removal of what was made does not count. */
  seconds: number
  /** Null where the labels of the target cannot be read. */
  rtoSeconds: number | null
  rtoMet: boolean | null
  checks: DrillCheck[]
  notTested: string[]
  steps: RunStep[]
  warnings: string[]
  error?: ErrorReport
}

/** A drill goes through these, and its last line says where it ended. */
export type DrillStage = 'stored bytes' | 'scratch container' | 'restore' | 'facts' | 'start' | 'verify'

/** Failures that say something about this machine, or about the stack of now, and nothing about the snapshot. */
const circumstances = new Set<ErrorCode>([
  ...(['BUSY', 'CANCELLED', 'CONFIG_INVALID', 'ENGINE_FAILED', 'ENGINE_UNREACHABLE', 'IMAGE_GONE'] as const),
  ...(['INTERRUPTED', 'METHOD_UNAVAILABLE', 'NO_SPACE', 'NO_SUCH_CONTAINER', 'NO_SUCH_SNAPSHOT'] as const),
  ...(['NO_SUCH_TARGET', 'REPOSITORY_EMPTY', 'REPOSITORY_FAILED', 'REPOSITORY_FOREIGN'] as const),
  ...(['REPOSITORY_UNREACHABLE', 'STATE_UNUSABLE', 'STREAM_CUT', 'TARGET_BROKEN', 'TOOL_MISSING', 'USAGE'] as const),
])

/**
 * What a failure at a stage says. Before the data is put back, only damage speaks against the snapshot; afterwards everything does that
 * this machine is not known to be the cause of.
 */
export function judgeFailure(stage: DrillStage, code: ErrorCode): Exclude<DrillVerdict, 'verified'> {
  if (stage === 'stored bytes') return code === 'SNAPSHOT_DAMAGED' ? 'failed' : 'could not run'
  if (stage === 'scratch container') return 'could not run'
  return circumstances.has(code) ? 'could not run' : 'failed'
}
