import type { Rows } from '../shared/compare.ts'

/** What a database file holds, read from end to end. */
export interface DatabaseReport {
  /** Lines of `integrity_check`: a single `ok`, or what is wrong. */
  integrity: string[]
  /** Tables that only the application can check, because they need its own collations, functions, modules or tokenizers. */
  unchecked: string[]
  properties: Record<string, string | number>
  /** The number of rows of each table; a message where they cannot be counted. */
  rows: Rows
}

/** What program.ts prints as JSON. */
export type Outcome = { report: DatabaseReport } | { failure: { message: string; errcode?: number } }

/** The names of the facts of one database. */
export const factNames = (artifact: string) => ({
  properties: artifact,
  rows: `${artifact} rows`,
  owner: `${artifact} owner`,
})
