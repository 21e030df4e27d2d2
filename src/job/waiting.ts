import type { Plan } from '../plan/plan.ts'
import { type Copyable, waitingForRemote } from '../plan/replication.ts'
import type { Snapshot } from '../repository/repository.ts'
import { isOfHost } from '../repository/snapshot.ts'
import type { Parts } from './job.ts'
import { listTier, remoteTier, repositoryOf } from './repositories.ts'

/** The local snapshots that have still to be copied to the remote repository, the newest first. */
export function waitingCopies<S extends Copyable>(
  { catalog, clock }: Pick<Parts, 'catalog' | 'clock'>,
  { targets }: Pick<Plan, 'targets'>,
  local: S[],
  remote: Copyable[],
): S[] {
  return waitingForRemote({ targets, local, remote, now: clock.now(), latestOf: catalog.lastSnapshot })
}

/** What the remote repository held when it was listed last: an answer where it is away. */
export const lastKnownRemote = (parts: Pick<Parts, 'catalog' | 'repositories' | 'host'>): Snapshot[] =>
  [...parts.catalog.manifests.read(repositoryOf(parts, remoteTier).url).values()]
    .map(({ snapshot }) => snapshot)
    .filter((snapshot) => isOfHost(snapshot, parts.host))

/** The ids of the local snapshots that must not be removed, because they have still to be copied. */
export async function waitingIds(
  parts: Parts,
  plan: Plan,
  local: Snapshot[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  if (!parts.repositories.has(remoteTier)) return new Set()
  const remote = await listTier(parts, remoteTier, signal).catch(() => {
    signal.throwIfAborted()
    return lastKnownRemote(parts)
  })
  return new Set(waitingCopies(parts, plan, local, remote).map(({ id }) => id))
}
