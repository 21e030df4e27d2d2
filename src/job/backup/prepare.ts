import { asBackupError } from '../../errors.ts'
import type { Target } from '../../plan/plan.ts'
import type { Prepared } from '../../repository/repository.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import type { InWindow } from '../max-stop.ts'
import { methodContext } from '../method-context.ts'
import { captureTier, repositoryOf } from '../repositories.ts'
import type { BackupReport } from './report.ts'

/** What was prepared, by target. Disposing it removes all of it. */
export interface PreparedTargets extends AsyncDisposable {
  of(target: Target): Prepared | undefined
  /** What the maximum of the window depends on. */
  describe(target: Target): InWindow
}

export async function prepareTargets(
  parts: Parts,
  reports: BackupReport[],
  signal: AbortSignal,
): Promise<PreparedTargets> {
  await using opened = new AsyncDisposableStack()
  const found = new Map<Target, Prepared>()
  for (const { target, warnings, attempt } of reports) {
    const warn = (text: string) => void warnings.push(text)
    const prepared = await attempt('copying ahead', () => prepareTarget(parts, target, warn, signal))
    if (prepared) found.set(target, opened.use(prepared))
  }
  const kept = opened.move()
  const of = (target: Target) => found.get(target)
  const describe = (target: Target) => ({ spec: target.spec, isReadAhead: of(target)?.isWhole === true })
  return { of, describe, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/**
 * Reads the trees of a target whose writers are about to be held once before that. A failure here fails no backup: the services of the
 * target are then down for longer.
 */
async function prepareTarget(
  parts: Parts,
  target: Target,
  onWarning: (text: string) => void,
  signal: AbortSignal,
): Promise<Prepared | undefined> {
  if (target.quiesced.length === 0) return undefined
  try {
    const trees = methodOf(parts, target.spec).trees?.(methodContext(parts, target, onWarning, signal), target.spec)
    const id = { project: target.project, target: target.name }
    return trees && (await repositoryOf(parts, captureTier).prepare?.(id, trees, { signal, onWarning }))
  } catch (error) {
    if (signal.aborted) throw error
    onWarning(`${target.name} was not copied before the stop: ${asBackupError(error).message}`)
    return undefined
  }
}
