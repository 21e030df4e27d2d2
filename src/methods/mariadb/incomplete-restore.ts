import type { MariadbClient } from './client.ts'
import { isTransient } from './inventory.ts'
import { takeSessionLock } from './session-lock.ts'
import { quoteName, quoteText } from './sql-text.ts'

/**
 * What a restore has begun and must not leave behind: databases that did not exist before, and settings that it changed. An administrator
 * records it in a database of its own in the server itself, so that the roll back or another controller can undo it, and can tell it from
 * what a later restore has completed. A user who may not make that database changes no settings, and marks each database that it makes
 * by a table of the same name.
 */
export interface IncompleteRestore {
  id: string
  /** The names of databases that did not exist before. */
  created: string[]
  /** The global variables that are changed, with their values from before. */
  settings: Record<string, string>
}

/** The database in which the restore `id` records itself, and the table by which it marks a database. */
export const recordOf = (id: string): string => `xnai_restore_${id}`
const tableOf = (id: string): string => `${quoteName(recordOf(id))}.half_made`

/** Statements that record an incomplete restore. They MUST be run before anything that it records is done. */
export function recordSql({ id, created, settings }: IncompleteRestore): string[] {
  const rows = [
    ...created.map((name) => `('database', ${quoteText(name)}, '')`),
    ...Object.entries(settings).map(([name, value]) => `('setting', ${quoteText(name)}, ${quoteText(value)})`),
  ]
  const columns = 'kind VARCHAR(16), name VARCHAR(64) CHARACTER SET utf8mb4, value VARCHAR(64)'
  return [
    `CREATE DATABASE ${quoteName(recordOf(id))};`,
    `CREATE TABLE ${tableOf(id)} (${columns});`,
    ...(rows.length > 0 ? [`INSERT INTO ${tableOf(id)} VALUES ${rows.join(', ')};`] : []),
  ]
}

/** Records that the databases are complete: from now on only the settings have to be undone. */
export async function recordDatabasesComplete(
  client: MariadbClient,
  { id, created }: IncompleteRestore,
): Promise<void> {
  const unmark = created.map((name) => `DROP TABLE IF EXISTS ${quoteName(name)}.${quoteName(recordOf(id))};`)
  const complete = [`DELETE FROM ${tableOf(id)} WHERE kind = 'database';`]
  await client.query((client.server.administrator ? complete : unmark).join('\n'))
}

/** Sets the settings of a restore back and drops its record, after `recordDatabasesComplete`. */
export async function endRestore(client: MariadbClient, { id, settings }: IncompleteRestore): Promise<void> {
  if (client.server.administrator) await undoRows(client, id, Object.entries(settings).flatMap(settingSql))
}

/**
 * Undoes what the restore `id` has left, or what all restores have. It may be repeated. The client MUST have been connected after the
 * session of the restore ended; see `connectAlone`. Answers whether there was anything.
 */
export async function undoIncompleteRestore(client: MariadbClient, id?: string): Promise<boolean> {
  const records = client.server.databases.filter(
    (name) => isTransient(name) && (id === undefined || name === recordOf(id)),
  )
  for (const name of records) {
    const left = name.slice(recordOf('').length)
    const tables = await client.query(
      `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteText(name)} AND TABLE_NAME = 'half_made';`,
    )
    const rows = tables.length === 0 ? [] : await client.query(`SELECT kind, name, value FROM ${tableOf(left)};`)
    const undone = rows.flatMap(([kind, what = '', value = '']) =>
      kind === 'database' ? [`DROP DATABASE IF EXISTS ${quoteName(what)};`] : settingSql([what, value]),
    )
    await undoRows(client, left, undone)
  }
  const marked = id === undefined || client.server.administrator ? [] : await dropMarked(client, id)
  return records.length > 0 || marked.length > 0
}

/** Drops the databases that the restore `id` marked as incomplete, and answers their names. */
async function dropMarked(client: MariadbClient, id: string): Promise<string[]> {
  const rows = await client.query(
    `SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = ${quoteText(recordOf(id))};`,
  )
  const names = rows.map(([name = '']) => name)
  const drops = names.map((name) => `DROP DATABASE ${quoteName(name)};`)
  if (drops.length > 0) await client.query([takeSessionLock, ...drops].join('\n'), { timeoutSeconds: 600 })
  return names
}

async function undoRows(client: MariadbClient, id: string, undone: string[]): Promise<void> {
  const statements = [
    takeSessionLock,
    'SET SESSION foreign_key_checks = 0;',
    ...undone,
    `DROP DATABASE ${quoteName(recordOf(id))};`,
  ]
  await client.query(statements.join('\n'), { timeoutSeconds: 600 })
}

/** The statement that sets a variable back. A value that is no number or word was not recorded by this method, and is not run. */
function settingSql([name, value]: [string, string]): string[] {
  return /^\w+$/.test(name) && /^\w+$/.test(value) ? [`SET GLOBAL ${name} = ${value};`] : []
}
