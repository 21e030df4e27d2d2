import { text } from 'node:stream/consumers'
import type { TargetSpec } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, RestoreContext, StoredSnapshot } from '../method.ts'
import { compare, compareRows } from '../shared/compare.ts'
import { databaseFact, recordOf, rowsFact } from '../shared/facts.ts'
import { type Account, parseAccounts, readAccounts } from './accounts.ts'
import { accountsArtifact, chosenDatabases } from './artifacts.ts'
import { awaitReady, type MariadbClient } from './client.ts'
import { type DatabaseFacts, objectsFact, takeInventory } from './inventory.ts'
import { quoteName, quoteText } from './sql-text.ts'

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
  const stored = parseAccounts(await text(await snapshot.open(accountsArtifact)))
  return [
    ...databases.flatMap((name) => compareDatabase(snapshot.facts, name, find(name))),
    compareAccounts(stored, await readAccounts(ctx, client)),
  ]
}

/** Counts the rows of all tables of the databases exactly, with the history of those that keep one, and compares them with those of the snapshot. */
export async function countRows(client: MariadbClient, names: string[], { facts }: StoredSnapshot): Promise<Check[]> {
  const databases = (await takeInventory(client)).filter(({ name }) => names.includes(name))
  const counted = new Map(databases.map(({ name }) => [name, {} as Record<string, number>]))
  const questions = databases.flatMap(({ name, tables }, index) =>
    tables.map(
      (table) =>
        `SELECT ${index}, ${quoteText(table.name)}, COUNT(*) FROM ${quoteName(name)}.${quoteName(table.name)}${table.versioned ? ' FOR SYSTEM_TIME ALL' : ''};`,
    ),
  )
  const answers =
    questions.length === 0 ? [] : await client.query(questions.join('\n'), { timeoutSeconds: longSeconds })
  for (const [index, table = '', count] of answers) {
    const rows = counted.get(databases[Number(index)]?.name ?? '')
    if (rows) rows[table] = Number(count)
  }
  return names.flatMap((name) => compareRows(`${name}: rows`, recordOf(facts[rowsFact(name)]), counted.get(name) ?? {}))
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

/** Compares accounts by name. Their rights need no comparison: each was set by a statement that succeeded. */
function compareAccounts(expected: Account[], now: Account[]): Check {
  const present = new Set(now.map(({ user, host }) => `${user}@${host}`))
  const missing = expected.map(({ user, host }) => `${user}@${host}`).filter((name) => !present.has(name))
  const actual = missing.length === 0 ? `${expected.length} there` : `missing: ${missing.join(', ')}`
  return compare('accounts', `${expected.length} there`, actual)
}
