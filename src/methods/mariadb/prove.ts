import { text } from 'node:stream/consumers'
import type { TargetSpec } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare, compareRows } from '../shared/compare.ts'
import { databaseFact, recordOf, rowsFact } from '../shared/facts.ts'
import { listAccounts, parseAccounts } from './accounts.ts'
import { accountsArtifact, chosenDatabases } from './artifacts.ts'
import { awaitReady, type MariadbClient } from './client.ts'
import { groupCounts, type RowCounts } from './count-while-locked.ts'
import { type DatabaseFacts, objectsFact, takeInventory } from './inventory.ts'
import { quoteName } from './sql-text.ts'

/** Compares everything but the rows, which `restore` has compared before any client could change them. */
export async function prove(
  ctx: RestoreContext,
  { options, startTimeoutSeconds }: TargetSpec<'mariadb'>,
  snapshot: StoredSnapshot,
): Promise<Check[]> {
  const client = await awaitReady(ctx, options, startTimeoutSeconds)
  const present = await takeInventory(client)
  const find = (name: string) => present.find((each) => each.name === name)
  const databases = chosenDatabases(options, snapshot)
  return [
    ...databases.flatMap((name) => compareDatabase(snapshot.facts, name, find(name))),
    ...(client.server.administrator ? [await proveAccounts(client, snapshot)] : []),
  ]
}

/** Compares accounts by name. Their rights need no comparison: each was set by a statement that succeeded. */
async function proveAccounts(client: MariadbClient, snapshot: StoredSnapshot): Promise<Check> {
  const stored = parseAccounts(await text(await snapshot.open(accountsArtifact)))
  const present = new Set((await listAccounts(client)).map(({ user, host }) => `${user}@${host}`))
  const missing = stored.map(({ user, host }) => `${user}@${host}`).filter((name) => !present.has(name))
  const actual = missing.length === 0 ? `${stored.length} there` : `missing: ${missing.join(', ')}`
  return compare('accounts', `${stored.length} there`, actual)
}

/** Compares the rows that the load has counted with those of the snapshot. Tables that it could not count are counted now. */
export async function compareCounts(
  client: MariadbClient,
  names: string[],
  { facts }: StoredSnapshot,
  counted: RowCounts,
): Promise<Check[]> {
  const isUncounted = (database: string, table: string) => counted.get(database)?.[table] === undefined
  const expected = (name: string) => recordOf(facts[rowsFact(name)])
  const isIncomplete = names.some((name) => Object.keys(expected(name)).some((table) => isUncounted(name, table)))
  const others = isIncomplete ? await countRows(client, names, isUncounted) : new Map<string, Record<string, number>>()
  return names.flatMap((name) =>
    compareRows(`${name}: rows`, expected(name), { ...others.get(name), ...counted.get(name) }),
  )
}

/** Counts the rows of the `wanted` tables exactly, with the history of those that keep one. */
async function countRows(
  client: MariadbClient,
  names: string[],
  wanted: (database: string, table: string) => boolean,
): Promise<RowCounts> {
  const databases = (await takeInventory(client)).filter(({ name }) => names.includes(name))
  const tables = databases.flatMap(({ name: database, tables }) =>
    tables.filter(({ name }) => wanted(database, name)).map(({ name, versioned }) => ({ database, name, versioned })),
  )
  const questions = tables.map(({ database, name, versioned }, index) => {
    const past = versioned ? ' FOR SYSTEM_TIME ALL' : ''
    return `SELECT ${index}, COUNT(*) FROM ${quoteName(database)}.${quoteName(name)}${past};`
  })
  if (questions.length === 0) return new Map()
  return groupCounts(tables, await client.query(questions.join('\n'), { timeoutSeconds: longSeconds }))
}

/** Compares the character set of a database, and its views, routines, triggers and events as far as they were recorded. */
function compareDatabase(facts: Facts, database: string, now: DatabaseFacts | undefined): Check[] {
  if (!now) return [compare(`${database}: database`, 'there', 'no such database')]
  const { charset, collation } = recordOf(facts[databaseFact(database)])
  const objects = recordOf(facts[objectsFact(database)])
  const kinds = Object.keys(objects) as (keyof DatabaseFacts['objects'])[]
  const say = (counts: Record<string, string | number>) => kinds.map((kind) => `${counts[kind]} ${kind}`).join(', ')
  return [
    compare(`${database}: objects`, say(objects), say(now.objects)),
    compare(`${database}: character set`, `${charset}, ${collation}`, `${now.charset}, ${now.collation}`),
  ]
}
