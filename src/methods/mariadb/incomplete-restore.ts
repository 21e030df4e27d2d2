import type { MariadbClient } from './client.ts'
import { isTransient } from './inventory.ts'
import { endEarlierSession, takeSessionLock } from './session-lock.ts'
import { quoteName, quoteText } from './sql-text.ts'

/**
 * What a restore has begun and must not leave behind: databases that did not exist before, and settings that it changed. It is recorded
 * in the server itself, in a database of its own, so that the roll back or another controller can undo it, and can tell it from what a
 * later restore has completed.
 */
export interface IncompleteRestore {
  id: string
  /** The names of databases that did not exist before. */
  created: string[]
  /** The global variables that are changed, with their values from before. */
  settings: Record<string, string>
}

/** The database in which the restore `id` records itself. */
const databaseOf = (id: string): string => `xnai_restore_${id}`
const tableOf = (id: string): string => `${quoteName(databaseOf(id))}.half_made`

/** MUST be called before anything that it records is done. */
export async function recordIncompleteRestore(
  client: MariadbClient,
  { id, created, settings }: IncompleteRestore,
): Promise<void> {
  const rows = [
    ...created.map((name) => `('database', ${quoteText(name)}, '')`),
    ...Object.entries(settings).map(([name, value]) => `('setting', ${quoteText(name)}, ${quoteText(value)})`),
  ]
  const columns = 'kind VARCHAR(16), name VARCHAR(64) CHARACTER SET utf8mb4, value VARCHAR(64)'
  const statements = [
    `CREATE DATABASE ${quoteName(databaseOf(id))};`,
    `CREATE TABLE ${tableOf(id)} (${columns});`,
    ...(rows.length > 0 ? [`INSERT INTO ${tableOf(id)} VALUES ${rows.join(', ')};`] : []),
  ]
  await client.query(statements.join('\n'))
}

/** Records that the databases are complete: from now on only the settings have to be undone. */
export async function recordDatabasesComplete(client: MariadbClient, id: string): Promise<void> {
  await client.query(`DELETE FROM ${tableOf(id)} WHERE kind = 'database';`)
}

/** Undoes what the restore `id` has left, or what all restores have. It may be repeated. */
export async function undoIncompleteRestore(client: MariadbClient, id?: string): Promise<void> {
  await endEarlierSession(client)
  const tables = await client.query(
    `SELECT s.SCHEMA_NAME, COALESCE(t.TABLE_NAME, '') FROM information_schema.SCHEMATA s
      LEFT JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = s.SCHEMA_NAME AND t.TABLE_NAME = 'half_made'
      WHERE s.SCHEMA_NAME LIKE 'xnai\\_restore\\_%';`,
  )
  for (const [name = '', table] of tables) {
    if (!isTransient(name) || (id !== undefined && name !== databaseOf(id))) continue
    const rows = table === '' ? [] : await client.query(`SELECT kind, name, value FROM ${quoteName(name)}.half_made;`)
    const undone = rows.flatMap(([kind, what = '', value = '']) =>
      kind === 'database' ? [`DROP DATABASE IF EXISTS ${quoteName(what)};`] : settingSql(what, value),
    )
    const statements = [
      takeSessionLock,
      'SET SESSION foreign_key_checks = 0;',
      ...undone,
      `DROP DATABASE ${quoteName(name)};`,
    ]
    await client.query(statements.join('\n'), { timeoutSeconds: 600 })
  }
}

/** The statement that sets a variable back. A value that is no number or word was not recorded by this method, and is not run. */
function settingSql(name: string, value: string): string[] {
  return /^\w+$/.test(name) && /^\w+$/.test(value) ? [`SET GLOBAL ${name} = ${value};`] : []
}
