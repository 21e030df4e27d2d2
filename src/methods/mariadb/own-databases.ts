import type { StoredSnapshot } from '../method.ts'
import { recordOf } from '../shared/facts.ts'
import { refuseRestore } from '../shared/refuse.ts'
import type { MariadbClient } from './client.ts'
import { objectsFact } from './inventory.ts'
import { ownAccount } from './server-facts.ts'
import { quoteText } from './sql-text.ts'

/** What a user needs in a database to drop it and to load it anew. */
const neededRights = [
  ...['SELECT', 'INSERT', 'DELETE', 'CREATE', 'DROP', 'ALTER', 'INDEX', 'REFERENCES', 'LOCK TABLES'],
  ...['CREATE VIEW', 'CREATE ROUTINE', 'ALTER ROUTINE', 'TRIGGER', 'EVENT'],
]

/**
 * RESTORE_REFUSED where a user who is no administrator lacks a right in one of the databases, or may not make the functions and triggers
 * that are in them.
 */
export async function refuseForeignDatabases(
  client: MariadbClient,
  { facts }: StoredSnapshot,
  names: string[],
): Promise<void> {
  if (names.length === 0) refuseRestore('the snapshot holds accounts only, and the user is no administrator', wayOut)
  const questions = names.map(
    (name, index) => `SELECT ${index}, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES
        WHERE GRANTEE = ${ownAccount} AND ${quoteText(name)} LIKE TABLE_SCHEMA
      UNION SELECT ${index}, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ${ownAccount};`,
  )
  const granted = new Set((await client.query(questions.join('\n'))).map((row) => row.join(' ')))
  const { user } = client.server.account
  for (const [index, name] of names.entries()) {
    const missing = neededRights.filter((right) => !granted.has(`${index} ${right}`))
    if (missing.length > 0)
      refuseRestore(`${user} is no administrator and lacks ${missing.join(', ')} in ${name}`, wayOut)
    if (needsTrust(client, recordOf(facts[objectsFact(name)])))
      refuseRestore(
        `${user} may not make the routines and triggers of ${name}, because the server has a binary log`,
        trustWay,
      )
  }
}

const wayOut = 'Name an administrator in xnai.backup.mariadb.user, often root.'
const trustWay = `Start the server with log_bin_trust_function_creators=1. Or: ${wayOut}`

/** A server with a binary log lets only an administrator make functions and triggers (error 1419), unless it is told to trust. */
function needsTrust({ server: { variables } }: MariadbClient, objects: Record<string, string | number>): boolean {
  const isStrict = variables.log_bin === 'ON' && variables.log_bin_trust_function_creators === 'OFF'
  return isStrict && Number(objects.routines ?? 0) + Number(objects.triggers ?? 0) > 0
}
