import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { readCluster } from './artifacts.ts'
import { awaitReady } from './client.ts'
import { listDatabases } from './cluster.ts'

/**
 * Compares the owner of each database. `restore` has compared the content before the swap, because a client that nobody stopped may
 * write as soon as the databases are swapped.
 */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'postgres'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const { chosen } = await readCluster(options, snapshot)
  const present = await listDatabases(await awaitReady(ctx, options, startTimeoutSeconds))
  const owners = new Map(present.map(({ name, owner }) => [name, owner]))
  return chosen.map(({ facts: { name, owner } }) =>
    compare(`${name}: owner`, owner, owners.get(name) ?? 'no such database'),
  )
}
