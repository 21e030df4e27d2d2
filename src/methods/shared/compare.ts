import type { Check } from '../method.ts'

/** Of one table each, by its name; a text where they could not be counted. */
export type Rows = Record<string, number | string>

export const compare = (name: string, expected: string, actual: string): Check => ({
  name,
  expected,
  actual,
  ok: expected === actual,
})

/** One line for all tables that agree, one for each that does not. `name` is that of the first line. */
export function compareRows(name: string, expected: Rows, actual: Rows): Check[] {
  const tables = [...new Set([...Object.keys(expected), ...Object.keys(actual)])]
  const differing = tables.filter((table) => expected[table] !== actual[table])
  const say = (rows: Rows, table: string) => String(rows[table] ?? 'no such table')
  return [
    compare(name, describeRows(expected), describeRows(actual)),
    ...differing.map((table) => compare(`${name} of ${table}`, say(expected, table), say(actual, table))),
  ]
}

export function describeRows(rows: Rows): string {
  const counts = Object.values(rows)
  const numbers = counts.filter((count) => typeof count === 'number')
  return `${numbers.reduce((sum, count) => sum + count, 0)} in ${counts.length} tables`
}
