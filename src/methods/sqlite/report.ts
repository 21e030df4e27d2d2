import type { Facts } from '../../repository/repository.ts'
import type { Check } from '../method.ts'
import { compare, compareRows } from '../shared/compare.ts'
import { recordOf } from '../shared/facts.ts'

/** What a database file holds, read from end to end. */
export interface DatabaseReport {
  /** Lines of `integrity_check`: a single `ok`, or what is wrong. */
  integrity: string[]
  /** Tables that only the application can check, because they use its own collations. */
  unchecked: string[]
  properties: Record<string, string | number>
  /** Rows of each table; a message where they cannot be counted. */
  rows: Record<string, string | number>
}

/** What program.ts prints. */
export type Outcome = { report: DatabaseReport } | { failure: { message: string; errcode?: number } }

/** Names of the facts of one database. */
export const factNames = (artifact: string) => ({
  properties: artifact,
  rows: `${artifact} rows`,
  owner: `${artifact} owner`,
})

/** Properties that must come back as they were; the others follow from the program that reads them. */
const compared = ['pages', 'userVersion', 'schemaSha256', 'foreignKeyViolations']

/** The file as it was put back against what was captured. */
export function compareReport(path: string, artifact: string, facts: Facts, report: DatabaseReport): Check[] {
  const names = factNames(artifact)
  const properties = recordOf(facts[names.properties])
  const pairs = compared.map((name) => [name, properties[name], report.properties[name]] as const)
  return [
    compare(`${path} integrity_check`, 'ok', report.integrity.slice(0, 3).join('; ')),
    ...pairs.map(([name, before, now]) => compare(`${path} ${name}`, String(before), String(now))),
    ...compareRows(`${path} rows`, recordOf(facts[names.rows]), report.rows),
  ]
}
