import type { Check } from '../method.ts'

/** The number of rows of each table by its name, or a text that says why they could not be counted. */
export type Rows = Record<string, number | string>

/** One line of proof. Without `ok` the two texts must be the same. */
export const compare = (name: string, expected: string, actual: string, ok = expected === actual): Check => ({
  name,
  expected,
  actual,
  ok,
})

/** One line of proof, named `name`, for all tables together, and one more for each table that differs. */
export function compareRows(name: string, expected: Rows, actual: Rows): Check[] {
  const tables = [...new Set([...Object.keys(expected), ...Object.keys(actual)])]
  const differing = tables.filter((table) => expected[table] !== actual[table])
  const say = (rows: Rows, table: string) => String(rows[table] ?? 'no such table')
  return [
    compare(name, describeRows(expected), describeRows(actual)),
    ...differing.map((table) => compare(`${name} of ${table}`, say(expected, table), say(actual, table))),
  ]
}

/** `1200 in 14 tables`. */
export function describeRows(rows: Rows): string {
  const counts = Object.values(rows)
  const numbers = counts.filter((count) => typeof count === 'number')
  return `${numbers.reduce((sum, count) => sum + count, 0)} in ${counts.length} tables`
}
