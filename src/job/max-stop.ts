import type { TargetSpec } from '../labels/spec.ts'
import { withDeadline } from '../lib/deadline.ts'

const defaultSeconds = 2 * 3600
/** What was read before the stop needs only its changes read in the window. */
const readAheadSeconds = 10 * 60

/** A target that is captured in a window. */
export interface InWindow {
  spec: Pick<TargetSpec, 'maxStopSeconds'>
  /** Whether all of its data was read before the window. */
  isReadAhead: boolean
}

/**
 * The longest time that one window may hold services. The smallest label of its targets counts. Without any label it is two hours, or ten
 * minutes where the data of all targets was read ahead.
 */
export function maxStopSeconds(targets: InWindow[]): number {
  const labelled = targets.flatMap(({ spec }) => spec.maxStopSeconds ?? [])
  if (labelled.length > 0) return Math.min(...labelled)
  return targets.every(({ isReadAhead }) => isReadAhead) ? readAheadSeconds : defaultSeconds
}

/** The maximum of a window. Disposing it lifts it. */
export interface WindowLimit extends Disposable {
  /** It is aborted with the run, and with TIMEOUT when the maximum is over. */
  signal: AbortSignal
  /** Ends the maximum, because the services run again. The signal is still aborted with the run. */
  lift(): void
}

/** Starts the maximum of a window that holds these containers. A window that holds none has no maximum. */
export function limitWindow(targets: InWindow[], holds: string[], signal: AbortSignal): WindowLimit {
  if (holds.length === 0) return { signal, lift: () => {}, [Symbol.dispose]: () => {} }
  const what = `the window that holds ${holds.join(', ')}`
  const hint =
    'No snapshot was kept. Does the repository or the disk of the data hang? If it is only slow, raise the label max-stop.'
  const deadline = withDeadline(new AbortController().signal, maxStopSeconds(targets), what, hint)
  const lift = () => deadline[Symbol.dispose]()
  return { signal: AbortSignal.any([signal, deadline]), lift, [Symbol.dispose]: lift }
}
