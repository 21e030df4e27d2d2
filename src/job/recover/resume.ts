import type { IntentId, ResumeIntent } from '../../catalog/catalog.ts'
import { asBackupError, BackupError } from '../../errors.ts'
import { commandFor, startOf } from '../../hints.ts'
import type { Parts } from '../job.ts'
import { findContainer, undo } from '../service.ts'
import { abandonIntent, dropIntent } from '../settle-intent.ts'

/**
 * Carries out a resume intent. The intent is dropped once the container is in its final state, be it unhealthy, or is gone for good.
 * Otherwise it stays for a later pass. Throws RESUME_FAILED either way when the container is not as it should be.
 */
export async function resumeContainer(
  parts: Parts,
  id: IntentId,
  intent: ResumeIntent,
  signal: AbortSignal,
): Promise<void> {
  try {
    await undo(parts, intent, signal)
    dropIntent(parts, id)
  } catch (error) {
    const cause = asBackupError(error, 'RESUME_FAILED')
    const isOver = cause.code === 'NO_SUCH_CONTAINER' || (await runs(parts, intent))
    if (isOver) dropIntent(parts, id)
    else abandonIntent(parts, id)
    const message = `${intent.container.name} did not come back: ${cause.message}`
    throw new BackupError('RESUME_FAILED', message, { cause, hint: isOver ? cause.hint : hintOf(intent, cause) })
  }
}

function hintOf({ how, container }: ResumeIntent, cause: BackupError): string {
  const command = how === 'start' || how === 'pause' ? startOf(container) : commandFor(container, how)
  const more = cause.code === 'RESUME_FAILED' ? '' : ` ${cause.hint}`
  return `Bring it back by hand: ${command}. The controller goes on trying.${more}`
}

/** Whether the container was to run and does. What it lacks then is its health, which no repetition brings. */
async function runs(parts: Parts, { container, how }: ResumeIntent): Promise<boolean> {
  if (how !== 'start' && how !== 'unpause') return false
  const found = await findContainer(parts, container, AbortSignal.timeout(60_000)).catch(() => undefined)
  return found?.state === 'running'
}
