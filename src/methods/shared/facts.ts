import type { Facts } from '../../repository/repository.ts'

/** Names of facts about one database of a server. Each name carries that of the database. */
export const databaseFact = (database: string): string => `database ${database}`
export const rowsFact = (database: string): string => `rows of ${database}`

/** A fact that is a record; an empty record where it is absent or something else. */
export function recordOf(fact: Facts[string] | undefined): Record<string, string | number> {
  return typeof fact === 'object' && fact !== null ? fact : {}
}

/** What the facts whose names begin with `prefix` speak of: `vikunja` for `database vikunja` and the prefix `database `. */
export function subjectsOf(facts: Facts, prefix: string): string[] {
  const names = Object.keys(facts).filter((name) => name.startsWith(prefix))
  return names.map((name) => name.slice(prefix.length))
}
