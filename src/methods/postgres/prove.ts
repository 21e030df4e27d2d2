import type { TargetSpec } from '../../labels/spec.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { readCluster } from './artifacts.ts'
import { awaitReady, type PostgresClient } from './client.ts'
import { type DatabaseFacts, listDatabases } from './cluster.ts'
import { compareContents, countContents, recordedContents } from './contents.ts'

/** Compares the owner and the content of each database with the facts of the snapshot. */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'postgres'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const { chosen } = await readCluster(options, snapshot)
  const client = await awaitReady(ctx, options, startTimeoutSeconds)
  const present = await listDatabases(client)
  const checks: Check[] = []
  for (const { facts } of chosen) checks.push(...(await proveDatabase(client, snapshot, facts, present)))
  return checks
}

async function proveDatabase(
  client: PostgresClient,
  snapshot: StoredSnapshot,
  { name, owner }: DatabaseFacts,
  present: DatabaseFacts[],
): Promise<Check[]> {
  const now = present.find((database) => database.name === name)
  if (!now) return [compare(`${name}: owner`, owner, 'no such database', false)]
  const contents = compareContents(name, recordedContents(snapshot.facts, name), await countContents(client, name))
  return [compare(`${name}: owner`, owner, now.owner), ...contents]
}
