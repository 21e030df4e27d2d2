/**
 * Every failure a user can meet, in one table: code → the hint shown when the thrower has no better one.
 * `docs/errors.md` is generated from it.
 */
export const errorTable = {
  USAGE: 'Run xnai-backup --help for the commands and their options.',
  CONFIG_INVALID: 'Correct the configuration file or the environment variable named above.',
  ENGINE_UNREACHABLE: 'Is the Podman socket there and mounted? Set CONTAINER_HOST or `engine` to its address.',
  ENGINE_FAILED: 'Look at the log of the engine; the same call by `podman` or `docker` often says more.',
  NO_SUCH_CONTAINER: 'Create the service first: podman-compose up --no-start, or the same by docker-compose.',
  NO_SUCH_TARGET: 'Run xnai-backup plan for the targets that were found.',
  NO_SUCH_SNAPSHOT: 'Run xnai-backup list for the snapshots that exist.',
  BUSY: 'Another run works on this target; wait for it or look at xnai-backup status.',
  TARGET_BROKEN: 'Correct the labels named by xnai-backup plan and create the container again.',
  METHOD_UNAVAILABLE: 'This version does not carry the method; choose another one.',
  EXEC_FAILED: 'Run the same command in the container to see it fail.',
  STREAM_CUT: 'The connection to the engine broke in mid-stream; nothing was kept of this run. Try again.',
  TIMEOUT: 'Look at the load of the machine and the service, or raise the timeout.',
  INTERRUPTED: 'Nothing partial was kept. Start it again when ready.',
  CANCELLED: 'Nothing partial was kept. The schedule goes on with its next slot.',
  NOT_RUNNING: 'Run xnai-backup status for what is running.',
  TOOL_MISSING: 'Install the program named above in the image.',
  TOOL_FAILED: 'The last lines of the program are above.',
  AUTH_FAILED: 'Check the user and password labels of the target against the service.',
  SERVICE_DOWN: 'Start the service, and look at its log.',
  DUMP_FAILED: 'No snapshot was kept. The last lines of the tool are above.',
  NOT_STILL: 'The data changed while it was read. Use quiesce=stop, or exclude what changes.',
  QUIESCE_FAILED:
    'No snapshot was kept and what had been stopped was started again. Look at the log of the container named above.',
  RESUME_FAILED: 'Start the container named above by hand. The controller goes on trying.',
  UNIT_FAILED: 'Look at systemctl status UNIT and journalctl -u UNIT, with --user for a rootless stack.',
  UNHEALTHY: 'Look at the log and the health check of the container named above.',
  PATH_UNREACHABLE: 'Mount the host path into the controller (the shipped compose file mounts / at /host).',
  TREE_UNSUPPORTED: 'Rename or exclude the file.',
  REPOSITORY_UNREACHABLE: 'Is the repository mounted and writable? Run xnai-backup check.',
  REPOSITORY_EMPTY:
    'Is the disk mounted? Nothing was written. Mount it, or start anew in what is there: xnai-backup repository accept.',
  REPOSITORY_FOREIGN:
    'Is the right disk mounted? Nothing was written. Mount it, or go on with what is there: xnai-backup repository accept.',
  REPOSITORY_FAILED: 'Run xnai-backup check; look at the free space and the permissions of the repository.',
  LISTEN_FAILED:
    'Another program may use the address: set `listen` to a free one, or to off. Backups go on without the page.',
  NOT_READY: 'The controller has only just started: ask again in a few seconds.',
  REPLICATION_LATE:
    'Does the remote repository answer, and does the controller run? Its log says why nothing was copied. Backups go on without it.',
  STATE_UNUSABLE:
    'Is the state directory there, writable and on a local file system? Set `state` or XNAI_BACKUP_STATE.',
  NO_SPACE: 'Free space on the file system named above, or move the repository to a larger one.',
  SNAPSHOT_DAMAGED: 'Nothing was touched. Choose an older snapshot (xnai-backup list).',
  RESTORE_REFUSED: 'Nothing was touched.',
  RESTORE_FAILED: 'Read above whether the state before was put back.',
  IMAGE_GONE: 'Pull or load the image again, by its digest. A newer one of the same name may not read this snapshot.',
  PROOF_FAILED: 'What came back differs from what was backed up; the checks above name it.',
  ROLLBACK_FAILED:
    'The data is between two states, and what serves it stays down. Every pass tries again; or restore another snapshot.',
  NOTIFY_FAILED: 'Look at the address and at the service; xnai-backup notify test sends to each address once more.',
  CONFIRMATION_NEEDED: 'Add --yes to overwrite without being asked.',
  INTERNAL: 'This is a fault of xnai-backup; please report it with the log.',
} as const

/** A code of the table: stable, part of the JSON output. */
export type ErrorCode = keyof typeof errorTable

/** The JSON shape of an error: contract, section 5. */
export interface ErrorReport {
  code: ErrorCode
  message: string
  hint: string
}

/** The one error type shown to users. `message` says what happened, `hint` what to do, `cause` why. Never holds a secret. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: ErrorCode
  readonly hint: string

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? errorTable[code]
  }
}

/** Any thrown thing as a BackupError: its own, an abort as INTERRUPTED, a full disk as NO_SPACE, the rest as `fallback`. */
export function asBackupError(error: unknown, fallback: ErrorCode = 'INTERNAL'): BackupError {
  if (error instanceof BackupError) return error
  if (!(error instanceof Error)) return new BackupError(fallback, String(error))
  if (error.name === 'AbortError') {
    if (error.cause instanceof BackupError) return error.cause
    return new BackupError('INTERRUPTED', 'interrupted', { cause: error })
  }
  const systemCode = (error as NodeJS.ErrnoException).code
  const code = systemCode === 'ENOSPC' || systemCode === 'EDQUOT' ? 'NO_SPACE' : fallback
  return new BackupError(code, error.message, { cause: error })
}

/** The messages of all that led to an error, nearest first, without those that only repeat what an earlier one says. */
export function causesOf(error: Error): string[] {
  const told = [error.message]
  for (const message of messagesBelow(error)) if (!told.some((earlier) => earlier.includes(message))) told.push(message)
  return told.slice(1)
}

/** A SuppressedError, which a failed clean-up makes, has two causes. */
function messagesBelow(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { error: late, suppressed, errors = [] } = error as Partial<SuppressedError & AggregateError>
  return [error.cause, late, suppressed, ...errors]
    .filter((cause) => cause !== undefined && cause !== null)
    .flatMap((cause) => [cause instanceof Error ? cause.message : String(cause), ...messagesBelow(cause)])
}

/** For JSON output and the catalog. */
export function reportError(error: unknown): ErrorReport {
  const { code, message, hint } = asBackupError(error)
  return { code, message, hint }
}
