import { BackupError } from '../../errors.ts'
import type { Target } from '../../plan/plan.ts'
import type { Parts } from '../job.ts'
import type { Held } from '../quiesce.ts'
import { inspectNow } from '../service.ts'

/**
 * Looks for containers that ran in the window although they can write the captured data: held ones that somebody started, and stopped
 * ones that were started meanwhile. Returns NOT_STILL naming them, or undefined when the window was one.
 */
export async function findDisturbed(
  parts: Parts,
  targets: Target[],
  held: Held,
  signal: AbortSignal,
): Promise<BackupError | undefined> {
  const touched = new Map(targets.flatMap((target) => target.touched).map((one) => [one.id, one]))
  const still = [...touched.values()].filter(({ name, state }) => state !== 'running' || held.names.includes(name))
  const now = await Promise.all(still.map((one) => inspectNow(parts, one, signal)))
  const disturbed = still.filter(({ startedAt }, index) => {
    const found = now[index]
    return found !== undefined && (found.state === 'running' || found.startedAt !== startedAt)
  })
  if (disturbed.length === 0) return undefined
  const names = disturbed.map(({ name }) => name).join(', ')
  return new BackupError('NOT_STILL', `${names} was started while the data was captured`, {
    hint: 'Find out what starts it (a restart policy, a systemd unit, another program), and run the backup again.',
  })
}
