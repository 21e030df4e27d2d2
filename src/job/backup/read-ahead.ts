import { asBackupError } from '../../errors.ts'
import type { Target } from '../../plan/plan.ts'
import type { Ahead } from '../../repository/repository.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { resolveHostPath } from '../method-context.ts'
import { captureTier, repositoryOf } from '../repositories.ts'
import type { BackupReport } from './report.ts'

/** What was read ahead, by target; gone when it is disposed. */
export interface Aheads extends AsyncDisposable {
  of(target: Target): Ahead | undefined
}

export async function readAllAhead(parts: Parts, reports: BackupReport[], signal: AbortSignal): Promise<Aheads> {
  await using opened = new AsyncDisposableStack()
  const aheads = new Map<Target, Ahead>()
  for (const { target, warnings, attempt } of reports) {
    const ahead = await attempt('read ahead', () => readAhead(parts, target, (text) => warnings.push(text), signal))
    if (ahead) aheads.set(target, opened.use(ahead))
  }
  const kept = opened.move()
  return { of: (target) => aheads.get(target), [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/**
 * The trees of a target whose writers are about to be held, read once before that. What fails here fails no backup: its services are
 * then down for longer.
 */
async function readAhead(
  parts: Parts,
  target: Target,
  onWarning: (text: string) => void,
  signal: AbortSignal,
): Promise<Ahead | undefined> {
  if (target.quiesced.length === 0 || !methodOf(parts, target.spec).capturesTrees) return undefined
  try {
    const trees = target.paths.map((path) => ({
      root: resolveHostPath(parts, target.container, path),
      exclude: target.spec.exclude,
    }))
    return await repositoryOf(parts, captureTier).readAhead?.(trees, { signal, onWarning })
  } catch (error) {
    if (signal.aborted) throw error
    onWarning(`${target.name} was not read ahead: ${asBackupError(error).message}`)
    return undefined
  }
}
