import { join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { runChecked } from '../../lib/process.ts'
import type { DatabaseReport, Outcome } from './report.ts'

export interface Owner {
  uid: number
  gid: number
}

const program = join(import.meta.dirname, 'program.ts')

/** Runs program.ts with the ids of the database's owner and without this process's environment, which holds secrets. */
export async function runAsOwner(
  owner: Owner,
  args: string[],
  options: { bytes: number; path: string; signal: AbortSignal },
): Promise<DatabaseReport> {
  const flags = ['--disable-warning=ExperimentalWarning', program]
  const [command = '', ...rest] = [...takeIds(owner), 'env', '-i', process.execPath, ...flags, ...args]
  const { stdout } = await runChecked(command, rest, {
    signal: options.signal,
    timeoutSeconds: startSeconds + options.bytes / leastBytesPerSecond,
  })
  const outcome: Outcome = JSON.parse(stdout)
  if ('report' in outcome) return outcome.report
  throw explain(options.path, outcome.failure)
}

/** Waiting for locks included. */
const startSeconds = 120
/** A slow disk that copies, checks and counts. */
const leastBytesPerSecond = 2e6

/** The one capability that is kept lets the owner's ids pass the folders on the way, which engines close to all but root. */
function takeIds({ uid, gid }: Owner): string[] {
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

/** https://sqlite.org/rescode.html, primary codes. */
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
