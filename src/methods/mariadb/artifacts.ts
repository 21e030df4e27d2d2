import type { MethodOptions } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { StoredSnapshot } from '../method.ts'
import { databaseFact, subjectsOf } from '../shared/facts.ts'

export const dumpArtifact = 'databases.sql'
export const accountsArtifact = 'accounts.sql'

/** The label that limits a target to some of the databases. */
export const databasesLabel = 'xnai.backup.mariadb.databases'

/** The names of all databases of a snapshot. */
export const storedDatabases = (facts: Facts): string[] => subjectsOf(facts, databaseFact(''))

/** The names of the databases of a snapshot that the label still names. */
export function chosenDatabases({ databases }: MethodOptions['mariadb'], { facts }: StoredSnapshot): string[] {
  const all = storedDatabases(facts)
  return databases ? all.filter((name) => databases.includes(name)) : all
}
