import type { Facts } from '../../repository/repository.ts'
import type { Check } from '../method.ts'
import { compare } from '../shared/compare.ts'
import { databaseFact, recordOf } from '../shared/facts.ts'
import type { Account } from './accounts.ts'
import type { DatabaseFacts } from './inventory.ts'

/** The name of the fact that counts the views, routines, triggers and events of a database. */
export const objectsFact = (database: string): string => `objects of ${database}`

/** Everything but rows: the database itself, views, routines, triggers, events. What was not recorded is not compared. */
export function compareObjects(facts: Facts, database: string, now: DatabaseFacts | undefined): Check[] {
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

/** By name: what each may do was set by statements that all succeeded. */
export function compareAccounts(expected: Account[], now: Account[]): Check {
  const present = new Set(now.map(({ user, host }) => `${user}@${host}`))
  const missing = expected.map(({ user, host }) => `${user}@${host}`).filter((name) => !present.has(name))
  const actual = missing.length === 0 ? `${expected.length} there` : `missing: ${missing.join(', ')}`
  return compare('accounts', `${expected.length} there`, actual)
}
