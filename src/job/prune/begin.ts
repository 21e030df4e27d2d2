import { pruneLock, targetLock } from '../../catalog/keys.ts'
import { newId } from '../identify.ts'
import type { Parts } from '../job.ts'
import { sweepRepositories } from '../recover/sweep.ts'
import { holdRepository } from '../repositories.ts'

/** Takes the locks and removes what dead runs left. A run of the target whose snapshots all go would lose what it works on. */
export async function beginPrune(
  parts: Parts,
  { target, all }: { target?: { project: string; name: string }; all: boolean },
  signal: AbortSignal,
): Promise<Disposable> {
  using locks = new DisposableStack()
  locks.use(await holdRepository(parts, signal))
  const keys = [pruneLock, ...(target && all ? [targetLock(target.project, target.name)] : [])]
  locks.use(parts.catalog.lock(keys, newId(parts.clock.now())))
  await sweepRepositories(parts, signal)
  return locks.move()
}
