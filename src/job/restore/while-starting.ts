import { asBackupError } from '../../errors.ts'
import { awaitServer } from '../../methods/shared/await-server.ts'
import { startingMs } from '../../methods/shared/starting.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import { findContainer, refOf } from '../service.ts'

/**
 * Asks a server, and again as long as it does not answer and its container was started less than its `start-timeout` ago: a server that
 * makes its first data MUST not be taken for a broken one, since a stop would leave that data half made. One that ended or was started
 * again meanwhile is waited for no longer.
 */
export async function whileStarting(
  parts: Parts,
  target: Target,
  ask: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts
  const leftMs = startingMs(target.container, target.spec.startTimeoutSeconds, clock.now())
  if (leftMs <= 0) return await ask()
  await awaitServer(
    { clock, signal },
    {
      what: `the start of ${target.container.name}`,
      seconds: leftMs / 1000,
      everyMs: 500,
      ask: () => ask().then(() => true),
      isPassing: async (error) =>
        asBackupError(error).code === 'SERVICE_DOWN' && (await stillRuns(parts, target, signal)),
    },
  )
}

async function stillRuns(parts: Parts, { container }: Target, signal: AbortSignal): Promise<boolean> {
  const now = await findContainer(parts, refOf(container), signal)
  return now?.state === 'running' && now.startedAt === container.startedAt
}
