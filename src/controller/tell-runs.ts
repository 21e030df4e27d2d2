import type { Parts } from '../job/job.ts'
import { tellBegin, tellEnd } from '../job/tell-run.ts'
import { logFailure } from '../lib/log-failure.ts'

const everyMs = 5000

/**
 * Tells in the log of the controller, until the signal is aborted, of runs that nobody has told of: those that commands of other processes
 * began or ended, in the meantime or while no controller lived, and those in which a controller died. Each is told once.
 */
export async function tellRuns(
  parts: Pick<Parts, 'catalog' | 'clock' | 'log' | 'settings'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    tellNow(parts)
    await parts.clock.sleep(everyMs, signal).catch(() => {})
  }
}

/** It is noted first, so that a state disk that is full does not make it be told again and again. */
function tellNow({ catalog, log, settings }: Parameters<typeof tellRuns>[0]): void {
  try {
    for (const run of catalog.untoldRuns(settings.project)) {
      catalog.noteTold(run)
      if (run.outcome === undefined) tellBegin(log, run)
      else tellEnd(log, run)
    }
  } catch (error) {
    logFailure(log, 'cannot look for runs of other processes', error, { level: 'debug' })
  }
}
