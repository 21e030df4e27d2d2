import type { Condition } from './conditions.ts'
import type { Beat } from './message.ts'

/** What decisions remember, durably: a restart tells nothing twice. Times are ISO 8601 UTC. */
export interface NoticeState {
  /** Keys of the targets that have been seen. */
  known: string[]
  /** What is wrong, by its key. */
  open: Record<string, Open>
  /** By target, the snapshot of which it was told that it has shrunk. */
  shrunk: Record<string, string>
  beat?: Pick<Beat, 'state' | 'time'>
  /** The controller that lives, or has died. Absent once it has ended by itself. */
  controller?: string
}

export interface Open extends Condition {
  since: string
  told?: true
  /** Since when it is over, as far as that is not told yet. */
  goneSince?: string
}

export const emptyState: NoticeState = { known: [], open: {}, shrunk: {} }
