import { recoveryLock } from '../../catalog/keys.ts'
import { isStranger } from '../../repository/known-repository.ts'
import { awaitLock, recoveryRun } from '../hold-locks.ts'
import type { Parts } from '../job.ts'

/** Removes what dead runs left in the repositories. One that cannot be swept keeps no other one from it; then the first error is thrown. */
export async function sweepRepositories(parts: Parts, signal: AbortSignal): Promise<void> {
  const wait = { what: 'another process to sweep the repositories', seconds: 3600, clock: parts.clock, signal }
  using _alone = await awaitLock(parts, [recoveryLock], recoveryRun, wait)
  const errors: unknown[] = []
  for (const repository of parts.repositories.values()) {
    await repository.sweep(signal).catch((error: unknown) => {
      // What uses the repository says that it is another one, and there is nothing of ours in it to be removed.
      if (!isStranger(error)) errors.push(error)
    })
  }
  if (errors.length > 0) throw errors[0]
}
