import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { Check, MethodContext, StoredSnapshot } from '../method.ts'
import { compareRows } from '../shared/compare.ts'
import { recordOf, rowsFact } from '../shared/facts.ts'
import { clientArguments, type MariadbClient, sessionSettings } from './client.ts'
import { describeToolFailure, errorNumber } from './failure.ts'
import { takeInventory } from './inventory.ts'
import { onlyDatabases } from './pick.ts'
import { takeSessionLock } from './session-lock.ts'
import { quoteName, quoteText } from './text.ts'

/** Seconds for which somebody else's transaction may hold a table back. */
const dropSeconds = 60

/** Removes the databases, and ends the sessions in them, which would hold their tables. */
export async function dropDatabases(ctx: MethodContext, client: MariadbClient, names: string[]): Promise<void> {
  if (names.length === 0) return
  const sessions = await client.query(
    `SELECT ID FROM information_schema.PROCESSLIST WHERE DB IN (${names.map(quoteText).join(', ')}) AND ID <> CONNECTION_ID();`,
  )
  const kills = sessions.map(([id]) => `KILL ${Number(id)};`).join('\n')
  // A session that ended by itself meanwhile is an error that does not matter.
  await client.run('client', [...clientArguments, '--force'], { input: kills })
  const drops = names.map((name) => `DROP DATABASE IF EXISTS ${quoteName(name)};`)
  const input = [
    sessionSettings + takeSessionLock,
    `SET SESSION foreign_key_checks = 0, lock_wait_timeout = ${dropSeconds};`,
    ...drops,
  ].join('\n')
  const result = await client.run('client', clientArguments, { input, timeoutSeconds: longSeconds })
  if (result.exitCode === 0) return
  if (errorNumber(result.stderr) !== 1205) throw describeToolFailure(ctx, 'client', result, 'RESTORE_FAILED')
  throw new BackupError('RESTORE_FAILED', 'a client holds a table in an open transaction', {
    hint: 'Stop what uses the database, also outside of this stack, or name it in xnai.backup.clients.',
  })
}

/** Makes the databases of the dump that are wanted, with all that is in them. They are not there. */
export async function loadDump(
  ctx: MethodContext,
  client: MariadbClient,
  dump: Readable,
  names: string[],
): Promise<void> {
  // Without `--comments` the client takes the comments out of the bodies of routines.
  const args = [...clientArguments, '--comments', '--loose-sandbox', '--max-allowed-packet=1G']
  const input = Readable.from(concatenate(loadSettings, onlyDatabases(dump, names)), { objectMode: false })
  const result = await client.run('client', args, { input, timeoutSeconds: longSeconds })
  if (result.exitCode !== 0) throw describeToolFailure(ctx, 'client', result, 'RESTORE_FAILED')
}

/** What is in a table was once accepted, whatever its constraints and the server's strictness say today. */
const loadSettings = [
  sessionSettings + takeSessionLock,
  'SET SESSION innodb_strict_mode = 0;',
  '/*M!100201 SET SESSION check_constraint_checks = 0 */;',
  '',
].join('\n')

async function* concatenate(first: string, rest: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  yield Buffer.from(first)
  yield* rest
}

/** The rows of all tables of the databases, counted exactly, against those of the snapshot. */
export async function countRows(client: MariadbClient, names: string[], { facts }: StoredSnapshot): Promise<Check[]> {
  const databases = (await takeInventory(client)).filter(({ name }) => names.includes(name))
  const counted = new Map(databases.map(({ name }) => [name, {} as Record<string, number>]))
  const questions = databases.flatMap(({ name, tables }, index) =>
    tables.map(
      (table) =>
        `SELECT ${index}, ${quoteText(table.name)}, COUNT(*) FROM ${quoteName(name)}.${quoteName(table.name)};`,
    ),
  )
  const answers =
    questions.length === 0 ? [] : await client.query(questions.join('\n'), { timeoutSeconds: longSeconds })
  for (const [index, table = '', count] of answers) {
    const rows = counted.get(databases[Number(index)]?.name ?? '')
    if (rows) rows[table] = Number(count)
  }
  return names.flatMap((name) => compareRows(`${name}: rows`, recordOf(facts[rowsFact(name)]), counted.get(name) ?? {}))
}
