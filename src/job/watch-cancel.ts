import { BackupError } from '../errors.ts'
import { logFailure } from '../lib/log-failure.ts'
import type { Parts } from './job.ts'

/** How often a run looks whether its end was asked for. */
const everyMs = 500

/**
 * Makes a signal that is aborted with `signal`, or when another process asks by the catalog for the end of the run. It MUST be disposed.
 */
export function watchCancel(
  { catalog, log }: Parts,
  run: string,
  signal: AbortSignal,
): { signal: AbortSignal } & Disposable {
  const cancelled = new AbortController()
  const look = () => {
    try {
      if (catalog.isCancelled(run)) cancelled.abort(new BackupError('CANCELLED', 'cancelled by xnai-backup cancel'))
    } catch (error) {
      // A catalog that cannot be read now is asked again. It MUST NOT end a run that nobody has cancelled.
      logFailure(log, 'cannot look for a cancellation', error, { level: 'debug', run })
    }
  }
  const timer = setInterval(look, everyMs)
  return {
    signal: AbortSignal.any([signal, cancelled.signal]),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
