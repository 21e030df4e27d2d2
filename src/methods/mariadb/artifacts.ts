import type { MethodOptions } from '../../labels/spec.ts'
import type { Facts } from '../../repository/repository.ts'
import type { StoredSnapshot } from '../method.ts'
import { databaseFact, subjectsOf } from '../shared/facts.ts'
import { isForeignFolder } from './inventory.ts'

export const dumpArtifact = 'databases.sql'
export const accountsArtifact = 'accounts.sql'

/** The label that limits a target to some of the databases. */
export const databasesLabel = 'xnai.backup.mariadb.databases'

/** The names of all databases of a snapshot. Earlier versions recorded foreign folders among them, which no server can load. */
export const storedDatabases = (facts: Facts): string[] =>
  subjectsOf(facts, databaseFact('')).filter((name) => !isForeignFolder(name))

/** The names of the databases of a snapshot that the label still names. */
export function chosenDatabases({ databases }: MethodOptions['mariadb'], { facts }: StoredSnapshot): string[] {
  const all = storedDatabases(facts)
  return databases ? all.filter((name) => databases.includes(name)) : all
}
