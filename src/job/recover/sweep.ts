import { recoveryLock } from '../../catalog/keys.ts'
import { isStranger } from '../../repository/known-repository.ts'
import { awaitLock, recoveryRun } from '../hold-locks.ts'
import type { Parts } from '../job.ts'
import { captureTier, isAway, repositoryOf } from '../repositories.ts'

/**
 * Removes what dead runs left in the repository of new captures. What a copy left in another one is removed by the next copy, which needs
 * that one to answer.
 */
export async function sweepRepositories(parts: Parts, signal: AbortSignal): Promise<void> {
  const wait = { what: 'another process to sweep the repositories', seconds: 3600, clock: parts.clock, signal }
  using _alone = await awaitLock(parts, [recoveryLock], recoveryRun, wait)
  await repositoryOf(parts, captureTier)
    .sweep(signal)
    .catch((error: unknown) => {
      // What uses the repository says that it is another one, and there is nothing of ours in it to be removed. A restore from another
      // tier needs nothing of one that is away.
      if (!isStranger(error) && (parts.repositories.size === 1 || !isAway(error))) throw error
    })
}
