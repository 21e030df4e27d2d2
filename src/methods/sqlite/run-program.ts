import { BackupError } from '../../errors.ts'
import { jailed, TREE } from '../../lib/jail.ts'
import { ownName, programFolder } from '../../lib/own-files.ts'
import { runChecked } from '../../lib/process.ts'
import type { FileOwner } from '../../lib/replace-file.ts'
import type { DatabasePlace } from './place.ts'
import type { DatabaseReport, Outcome } from './report.ts'

type Ids = Pick<FileOwner, 'uid' | 'gid'>

/** What program.ts does. `copy` makes the file `copy` in the folder `into`, which belongs to the owner. */
export type Task = { action: 'copy'; into: string; alone: boolean } | { action: 'inspect' }

/** Places in the jail. */
const NODE = '/node'
const PROGRAM = '/program'
const COPY = '/copy'

/**
 * Runs program.ts with the ids of the database's owner, and without the environment of this process, which holds secrets. Of all that
 * others can write it sees the folder of the database alone: SQLite resolves names itself, and believes what a journal names. `bytes` is
 * the size of the database, which limits the time. Errors name the database by `path`.
 */
export async function runAsOwner(
  owner: Ids,
  place: DatabasePlace,
  task: Task,
  options: { bytes: number; path: string; signal: AbortSignal },
): Promise<DatabaseReport> {
  const args = [task.action, `${TREE}/${place.name}`]
  if (task.action === 'copy') args.push(`${COPY}/copy`, ...(task.alone ? ['alone'] : []))
  const node = [NODE, '--disable-warning=ExperimentalWarning', `${PROGRAM}/${ownName('methods/sqlite/program.ts')}`]
  const [command = '', ...rest] = [...takeIds(owner), 'env', '-i', ...node, ...args]
  const jail = {
    tree: place.descriptor,
    writable: task.action === 'copy',
    folders: task.action === 'copy' ? { [COPY]: task.into } : {},
    readOnly: { [NODE]: process.execPath, [PROGRAM]: programFolder },
  }
  const { stdout } = await runChecked(...jailed(jail, command, rest), {
    signal: options.signal,
    timeoutSeconds: startSeconds + options.bytes / leastBytesPerSecond,
  })
  const outcome: Outcome = JSON.parse(stdout)
  if ('report' in outcome) return outcome.report
  throw explain(options.path, outcome.failure)
}

/** Includes the time of waiting for locks. */
const startSeconds = 120
/** Bytes that a slow disk copies, checks and counts in a second. */
const leastBytesPerSecond = 2e6

/**
 * The words of a command line that take the ids. The one capability that is kept lets the process pass the folders above the file, which
 * engines close to all users but root.
 */
function takeIds({ uid, gid }: Ids): string[] {
  const own = process.getuid?.()
  if (uid === own) return []
  const pass = '-all,+dac_read_search'
  if (own === 0) {
    return [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=${pass}`,
      `--ambient-caps=${pass}`,
    ]
  }
  throw new BackupError('PATH_UNREACHABLE', `the database belongs to user ${uid}, and this is user ${own}`, {
    hint: 'Run as root, or rootless under podman unshare.',
  })
}

/** The primary result codes of SQLite that have an explanation of their own: https://sqlite.org/rescode.html */
const codes: Record<number, { code: 'DUMP_FAILED' | 'TIMEOUT' | 'NO_SPACE'; hint: string }> = {
  5: { code: 'TIMEOUT', hint: 'The application holds a lock for long; label it xnai.backup.quiesce=stop.' },
  6: { code: 'TIMEOUT', hint: 'The application holds a lock for long; label it xnai.backup.quiesce=stop.' },
  10: {
    code: 'DUMP_FAILED',
    hint: 'Its disk fails, or is full to the last byte: SQLite needs some room beside a database even to read it.',
  },
  11: { code: 'DUMP_FAILED', hint: 'The live database is damaged: restore the last good snapshot (xnai-backup list).' },
  13: { code: 'NO_SPACE', hint: 'The copy needs room in the temporary folder; TMPDIR names another one.' },
  26: {
    code: 'DUMP_FAILED',
    hint: 'Check xnai.backup.paths. A damaged one: restore the last good snapshot. An encrypted one: xnai.backup.method=files.',
  },
}

function explain(path: string, { message, errcode }: { message: string; errcode?: number }): BackupError {
  const { code, hint } = codes[(errcode ?? 0) & 0xff] ?? { code: 'DUMP_FAILED' as const, hint: defaultHint }
  return new BackupError(code, `${path}: ${message}`, { hint })
}

const defaultHint = 'Check xnai.backup.paths, and the database with the application that writes it.'
