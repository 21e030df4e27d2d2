import type { MariadbClient } from './client.ts'
import { isTransient } from './inventory.ts'
import { endEarlierSession, takeSessionLock } from './session-lock.ts'
import { quoteName, quoteText } from './text.ts'

/**
 * What a restore has begun and must not be left, written down in the server itself, in a database of its own: databases that were not
 * there before, and settings that it changed. So whoever comes next, be it the roll back or another controller, can undo it, and
 * cannot mistake for half-made what a later restore has made whole.
 */
export interface IncompleteRestore {
  id: string
  created: string[]
  /** Global variables and their values of before. */
  settings: Record<string, string>
}

const databaseOf = (id: string): string => `xnai_restore_${id}`
const tableOf = (id: string): string => `${quoteName(databaseOf(id))}.half_made`

/** Before the act. */
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

/** The databases are whole: from now on only the settings are to be undone. */
export async function recordDatabasesComplete(client: MariadbClient, id: string): Promise<void> {
  await client.query(`DELETE FROM ${tableOf(id)} WHERE kind = 'database';`)
}

/** Undoes what restores have left: all of them, or one. Safe to repeat. */
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

/** One that is larger than a number or a word is not ours. */
function settingSql(name: string, value: string): string[] {
  return /^\w+$/.test(name) && /^\w+$/.test(value) ? [`SET GLOBAL ${name} = ${value};`] : []
}

/** Larger than any row that a dump can hold: written in hex, a blob needs twice its own length. */
const largestPacket = 1024 ** 3

/** The global variables that have to differ while databases are loaded, with their values of now. */
export async function settingsToLend(client: MariadbClient): Promise<Record<string, string>> {
  const [[scheduler = '', packet = ''] = []] = await client.query(
    'SELECT @@GLOBAL.event_scheduler, @@GLOBAL.max_allowed_packet;',
  )
  return {
    // Events would change the rows before they are counted.
    ...(scheduler === 'ON' && { event_scheduler: scheduler }),
    ...(Number(packet) < largestPacket && { max_allowed_packet: packet }),
  }
}

export async function lendSettings(client: MariadbClient, settings: Record<string, string>): Promise<void> {
  const lent: Record<string, string> = { event_scheduler: 'OFF', max_allowed_packet: String(largestPacket) }
  const statements = Object.keys(settings).map((name) => `SET GLOBAL ${name} = ${lent[name]};`)
  if (statements.length > 0) await client.query(statements.join('\n'))
}
