import type { Intent, IntentId, RollBackIntent } from '../../catalog/catalog.ts'
import { BackupError } from '../../errors.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { methodContext } from '../method-context.ts'
import { removeScratch } from '../restore/foreign-input.ts'
import { endDrill } from '../scratch.ts'
import { findContainer, undo } from '../service.ts'
import { abandonIntent, dropIntent } from '../settle-intent.ts'
import { logUnfinished } from './leftovers.ts'
import { resumeContainer } from './resume.ts'
import { isKeptDown } from './unfinished.ts'

type InService = Extract<Intent, { kind: 'undo-method' }>

/**
 * Carries out an intent that was claimed, and drops it. When it throws, the intent is left to the next recovery; a command that fails is
 * not repeated for ever.
 */
export async function carryOut(
  parts: Parts,
  id: IntentId,
  intent: Exclude<Intent, RollBackIntent>,
  signal: AbortSignal,
): Promise<void> {
  if (intent.kind === 'resume') return await resumeContainer(parts, id, intent, signal)
  try {
    if (intent.kind === 'undo-method') await undoInService(parts, intent, signal)
    else if (intent.kind === 'remove-scratch') await removeScratch(intent.folder)
    else if (intent.kind === 'end-drill') await endDrill(parts, intent.run, signal)
    else await undo(parts, intent, signal)
    dropIntent(parts, id)
  } catch (error) {
    if (intent.kind === 'exec') dropIntent(parts, id)
    else abandonIntent(parts, id)
    throw error
  }
}

async function undoInService(parts: Parts, intent: InService, signal: AbortSignal): Promise<void> {
  const { container: ref, spec, paths, detail } = intent
  const container = await findContainer(parts, ref, signal)
  if (!container) throw new BackupError('NO_SUCH_CONTAINER', `container ${ref.name} is gone`)
  const ctx = methodContext(parts, { container, spec, paths }, () => {}, signal)
  const { undo } = await methodOf(parts, spec).load()
  await undo?.(ctx, spec, detail)
}

/**
 * Finishes what dead runs left in these containers: commands that were to run after a capture, what a method made in a service, and
 * containers that are stopped. The caller MUST hold the locks of all of them. What an unfinished restore keeps down stays so. A failure
 * leaves the intent to the next recovery.
 */
export async function finishInContainers(parts: Parts, names: string[], signal: AbortSignal): Promise<void> {
  const { catalog, log } = parts
  const orphans = catalog.orphans()
  const isHere = (intent: Intent) =>
    (intent.kind === 'exec' || intent.kind === 'undo-method' || intent.kind === 'resume') &&
    names.includes(intent.container.name) &&
    !isKeptDown(orphans, intent)
  for (const { id, intent } of catalog.claimOrphans(isHere)) {
    try {
      await carryOut(parts, id, intent as Exclude<Intent, RollBackIntent>, signal)
    } catch (err) {
      logUnfinished(log, intent, err)
    }
  }
}
