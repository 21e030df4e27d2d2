import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { MethodContext, StoredSnapshot } from '../method.ts'
import { dumpArtifact } from './artifacts.ts'
import { clientArguments, type MariadbClient, sessionSettings } from './client.ts'
import { countWhileLocked, type RowCounts } from './count-while-locked.ts'
import { describeToolFailure, errorNumber } from './failure.ts'
import { type IncompleteRestore, recordOf } from './incomplete-restore.ts'
import { onlyDatabases } from './pick-databases.ts'
import { takeSessionLock } from './session-lock.ts'
import { quoteName, quoteText, unquoteName } from './sql-text.ts'

/** How long the transaction of another client may keep a table from being dropped. */
const dropSeconds = 60

/** SQL that lists the sessions which use one of the databases. */
export const sessionsSql = (names: string[]): string[] =>
  names.length === 0
    ? []
    : [
        `SELECT ID FROM information_schema.PROCESSLIST WHERE DB IN (${names.map(quoteText).join(', ')}) AND ID <> CONNECTION_ID();`,
      ]

/** Ends the sessions in the databases, which would hold their tables, runs the statements `before`, and drops the databases. */
export async function dropDatabases(
  ctx: MethodContext,
  client: MariadbClient,
  { names, sessions, before }: { names: string[]; sessions: number[]; before: string[] },
): Promise<void> {
  const kills = sessions.map((id) => `KILL ${id};`).join('\n')
  // A session that has ended by itself meanwhile makes an error, which does not matter.
  if (kills !== '') await client.run('client', [...clientArguments, '--force'], { input: kills })
  const drops = names.map((name) => `DROP DATABASE IF EXISTS ${quoteName(name)};`)
  const input = [
    sessionSettings + takeSessionLock,
    ...before,
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

/** Loads the databases `names` of the dump, which MUST NOT exist, and counts their rows as far as `countWhileLocked` can. */
export async function loadDump(
  ctx: MethodContext,
  client: MariadbClient,
  snapshot: StoredSnapshot,
  { names, restore }: { names: string[]; restore: IncompleteRestore },
): Promise<RowCounts> {
  if (names.length === 0) return new Map()
  const count = countWhileLocked()
  const mark = client.server.administrator ? () => '' : markCreated(restore)
  const insert = (line: string) => {
    const { before = '', after = '' } = count.insert(line)
    return { before, after: after + mark(line) }
  }
  const dump = onlyDatabases(await snapshot.open(dumpArtifact), names, insert)
  const input = Readable.from(concatenate(takeSessionLock + loadSettings, dump), { objectMode: false })
  const args = [...clientArguments, ...loadArguments]
  const result = await client.run('client', args, { input, timeoutSeconds: longSeconds })
  if (result.exitCode !== 0) throw describeToolFailure(ctx, 'client', result, 'RESTORE_FAILED')
  return count.read(result.stdout)
}

/** Answers the statement after a line of the dump that marks a database which the restore makes; see `IncompleteRestore`. */
function markCreated({ id, created }: IncompleteRestore): (line: string) => string {
  const unmarked = new Set(created)
  return (line) => {
    const [, used] = line.match(/^USE `((?:[^`]|``)+)`;$/) ?? []
    if (used === undefined || !unmarked.delete(unquoteName(used))) return ''
    return `CREATE TABLE ${quoteName(recordOf(id))} (n INT);\n`
  }
}

/** What the client needs for a dump. Without `--comments` it takes the comments out of the bodies of routines. */
export const loadArguments = ['--comments', '--loose-sandbox', '--max-allowed-packet=1G']

/** Settings for loading: every row was accepted once, whatever the constraints and the server's strictness say today. */
export const loadSettings = [
  `${sessionSettings}SET SESSION innodb_strict_mode = 0;`,
  '/*M!100201 SET SESSION check_constraint_checks = 0 */;',
  '',
].join('\n')

export async function* concatenate(first: string, rest: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  yield Buffer.from(first)
  yield* rest
}
