import type { FileOwner } from '../../lib/replace-file.ts'
import type { Facts } from '../../repository/repository.ts'
import type { Check, MethodContext } from '../method.ts'
import { compare, compareRows } from '../shared/compare.ts'
import { recordOf } from '../shared/facts.ts'
import type { DatabasePlace } from './place.ts'
import { type DatabaseReport, factNames } from './report.ts'
import { runAsOwner } from './run-program.ts'
import type { StoredDatabase } from './stored-databases.ts'

/** Answers no checks: `restore` proves the files before the application runs again, since it may rightly change them after that. */
export const prove = async (): Promise<Check[]> => []

/** Inspects a restored file, which nobody may be using, and compares it with the facts of the snapshot. */
export async function proveFile(
  ctx: MethodContext,
  facts: Facts,
  { artifact, path, bytes }: StoredDatabase,
  place: DatabasePlace,
  owner: FileOwner,
): Promise<Check[]> {
  const report = await runAsOwner(owner, place, { action: 'inspect' }, { bytes, path, signal: ctx.signal })
  return compareReport(path, artifact, facts, report)
}

/** Properties that must come back as they were. The others depend on the program that reads the file. */
const compared = ['pages', 'userVersion', 'schemaSha256', 'foreignKeyViolations']

function compareReport(path: string, artifact: string, facts: Facts, report: DatabaseReport): Check[] {
  const names = factNames(artifact)
  const properties = recordOf(facts[names.properties])
  const pairs = compared.map((name) => [name, properties[name], report.properties[name]] as const)
  return [
    compare(`${path} integrity_check`, 'ok', report.integrity.slice(0, 3).join('; ')),
    ...pairs.map(([name, before, now]) => compare(`${path} ${name}`, String(before), String(now))),
    ...compareRows(`${path} rows`, recordOf(facts[names.rows]), report.rows),
  ]
}
