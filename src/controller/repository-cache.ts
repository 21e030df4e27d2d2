import type { Parts } from '../job/job.ts'
import { type ObservedRepository, observeRepositories } from '../report/observe.ts'

/** The listing of the repositories, which takes too long to be made anew for every event of the engine. */
export interface RepositoryCache {
  /** The last listing. It is made anew when it is a minute old or was invalidated. Rejects only when the signal is aborted. */
  get(signal: AbortSignal): Promise<ObservedRepository[]>
  invalidate(): void
}

const maxAgeMs = 60_000

export function createRepositoryCache(parts: Pick<Parts, 'repositories' | 'clock'>): RepositoryCache {
  let listed: { repositories: ObservedRepository[]; atMs: number } | undefined
  let outdated = false
  return {
    async get(signal) {
      const atMs = parts.clock.monotonicMs()
      if (!listed || outdated || atMs - listed.atMs >= maxAgeMs) {
        // Before the listing begins, so that a snapshot which is published meanwhile makes the next call list again.
        outdated = false
        listed = { repositories: await observeRepositories(parts, signal), atMs }
      }
      return listed.repositories
    },
    invalidate() {
      outdated = true
    },
  }
}
