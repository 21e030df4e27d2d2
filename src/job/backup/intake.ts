import { logFailure } from '../../lib/log-failure.ts'
import { waitShortly } from '../abandon.ts'
import type { Parts } from '../job.ts'

/** What a repository holds for a run and has not published. Disposing removes it, the newest first. */
export interface Intake extends AsyncDisposable {
  use<T extends AsyncDisposable>(taken: T): T
  /** Takes over work that did not end with its signal, and that removes by itself what it still takes in. */
  abandon(work: Promise<void>): void
}

/**
 * Opens an empty intake. Where work was abandoned, disposing waits for a short time only: a repository that hangs MUST NOT keep a run from
 * ending. It removes the rest whenever it answers again, and a sweep does so after the end of the process.
 */
export function openIntake({ log }: Pick<Parts, 'log'>): Intake {
  const taken = new AsyncDisposableStack()
  let isAbandoned = false
  const removeSoon = () =>
    waitShortly(() => taken.disposeAsync()).catch((err) => {
      logFailure(log, 'what a capture has taken in is removed later', err, { level: 'warn' })
    })
  return {
    use: (one) => taken.use(one),
    abandon: (work) => {
      isAbandoned = true
      taken.defer(() => work)
    },
    [Symbol.asyncDispose]: () => (isAbandoned ? removeSoon() : taken.disposeAsync()),
  }
}
