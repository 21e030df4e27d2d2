import type { Outcome, RunKind } from '../catalog/catalog.ts'
import type { ObservedRepository, ObservedTargets } from '../report/observe.ts'
import type { StatusReport } from '../report/status.ts'

/** What metrics are made of. */
export interface MetricsView {
  version: string
  /** When the controller started. */
  started: Date
  /** The newest pass. Absent before the first one has ended. */
  pass?: { at: Date; seconds: number; failures: number }
  /** Absent until a pass has seen the stack. */
  stack?: { status: StatusReport; targets: ObservedTargets; repositories: ObservedRepository[] }
  runs: RunCounts
  /** Notifications that no service has taken yet. */
  pendingNotices: number
}

export const runKinds = ['backup', 'restore', 'drill'] as const satisfies RunKind[]
export const outcomes = ['complete', 'incomplete', 'failed'] as const satisfies Outcome[]

/** How many runs have ended since the controller started. */
export interface RunCounts {
  of(target: { project: string; target: string }, kind: RunKind, outcome: Outcome): number
}
