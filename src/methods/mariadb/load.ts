import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'
import { clientArguments, type MariadbClient, sessionSettings } from './client.ts'
import { describeToolFailure, errorNumber } from './failure.ts'
import { onlyDatabases } from './pick-databases.ts'
import { takeSessionLock } from './session-lock.ts'
import { quoteName, quoteText } from './sql-text.ts'

/** How long the transaction of another client may keep a table from being dropped. */
const dropSeconds = 60

/** Drops the databases, after it has ended the sessions in them, which would hold their tables. */
export async function dropDatabases(ctx: MethodContext, client: MariadbClient, names: string[]): Promise<void> {
  if (names.length === 0) return
  const sessions = await client.query(
    `SELECT ID FROM information_schema.PROCESSLIST WHERE DB IN (${names.map(quoteText).join(', ')}) AND ID <> CONNECTION_ID();`,
  )
  const kills = sessions.map(([id]) => `KILL ${Number(id)};`).join('\n')
  // A session that has ended by itself meanwhile makes an error, which does not matter.
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

/** Loads the databases `names` of the dump. They MUST NOT exist. */
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

/** Settings for loading: every row was accepted once, whatever the constraints and the server's strictness say today. */
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
