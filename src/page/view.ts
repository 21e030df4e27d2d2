import type { Run } from '../catalog/catalog.ts'
import type { ErrorReport } from '../errors.ts'
import type { History } from '../report/history.ts'
import type { JobReport } from '../report/jobs.ts'
import type { SnapshotReport } from '../report/snapshots.ts'
import type { StatusReport, TargetStatus } from '../report/status.ts'

/** What every page shows. It holds no secrets. */
export interface View {
  now: Date
  /** IANA name of the zone in which times are shown. */
  timezone: string
  status: StatusReport
  /** The newest pass of the controller, and how many in a row could not list the containers. */
  pass: { time: string; failures: number; errors: ErrorReport[] }
  jobs: JobReport[]
  /** How this program is called on the host. */
  program: string
  /** Whether there is a session that can be ended. */
  canLogOut: boolean
}

/** The page of all targets. */
export interface Overview extends View {
  /** By the key of the target. */
  histories: ReadonlyMap<string, History>
}

/** The page of one target. */
export interface TargetView extends View {
  target: TargetStatus
  history: History
  /** IANA name of the zone in which retention counts the days of the target. */
  targetZone: string
  /** Oldest first. */
  snapshots: SnapshotReport[]
  /** Why the snapshots are not known. */
  snapshotsError: ErrorReport | undefined
  /** Newest first. */
  runs: Run[]
  /** The newest drill. */
  drill: Run | undefined
}
