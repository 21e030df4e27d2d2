import { asBackupError } from '../../errors.ts'
import { startingMs } from '../../methods/shared/starting.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { findContainer, refOf } from '../service.ts'

const everyMs = 500

/**
 * Asks a server, and again as long as it does not answer and its container was started less than its `start-timeout` ago: a server that
 * makes its first data MUST not be taken for a broken one, since a stop would leave that data half made. One that ended or was started
 * again meanwhile is waited for no longer.
 */
export async function whileStarting<T>(
  parts: Parts,
  target: Target,
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { clock } = parts
  const untilMs = clock.monotonicMs() + startingMs(target.container, target.spec.startTimeoutSeconds, clock.now())
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const passes = asBackupError(error).code === 'SERVICE_DOWN' && clock.monotonicMs() < untilMs
      if (signal.aborted || !passes || !(await stillRuns(parts, target, signal))) throw error
      await clock.sleep(everyMs, signal)
    }
  }
}

async function stillRuns(parts: Parts, { container }: Target, signal: AbortSignal): Promise<boolean> {
  const now = await findContainer(parts, refOf(container), signal)
  return now?.state === 'running' && now.startedAt === container.startedAt
}
