import type { Clock } from '../../lib/clock.ts'
import type { Target } from '../../plan/plan.ts'
import type { RestoreResult } from '../job.ts'
import type { Held } from '../quiesce.ts'

/** Measures how long one target takes and how long its services are down. `begunMs`: when the command began, by the monotonic clock. */
export function restoreTimes(clock: Pick<Clock, 'monotonicMs'>, begunMs: number) {
  // Beside others in the same command the target also waits for them, but not for what comes after its own last stage.
  let endedMs: number | undefined
  const down = { service: 0, windows: 0 }
  return {
    noteStage: () => {
      endedMs = clock.monotonicMs()
    },
    noteDown: (seconds: number) => {
      down.service += seconds
    },
    noteWindow: (target: Target | undefined, held: Pick<Held, 'names' | 'downSeconds'>) => {
      const { clients = [], writers = [] } = target ?? {}
      const isConcerned = [...clients, ...writers].some(({ name }) => held.names.includes(name))
      if (isConcerned) down.windows += held.downSeconds()
    },
    measured: (): Pick<RestoreResult, 'seconds' | 'downtimeSeconds'> => ({
      seconds: inSeconds((endedMs ?? clock.monotonicMs()) - begunMs),
      // A window of clients encloses the stops of the service itself.
      downtimeSeconds: inSeconds(Math.max(down.service, down.windows) * 1000),
    }),
  }
}

const inSeconds = (ms: number): number => Math.round(ms) / 1000
