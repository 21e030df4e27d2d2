import { asBackupError, BackupError } from '../errors.ts'

/** TOOL_FAILED of a program that has run. */
export class ProgramFailure extends BackupError {
  /** Undefined where a signal ended the program. */
  readonly exitCode: number | undefined
  /** The last lines of its standard error. */
  readonly lines: string

  constructor(message: string, exitCode: number | undefined, lines: string) {
    super('TOOL_FAILED', message)
    this.exitCode = exitCode
    this.lines = lines
  }
}

/** Bytes at the end of standard error that an error is made of. */
export const STDERR_TAIL_BYTES = 4096

/** How a program ended, as execa tells it. */
interface Ending {
  exitCode?: number | undefined
  signal?: string | undefined
  code?: string | undefined
  originalMessage?: string | undefined
}

/** The error holds neither the command line, which may be long or secret, nor execa's message, which repeats it. */
export function describeFailure(command: string, ending: Ending, stderr: string, signal: AbortSignal): BackupError {
  if (signal.aborted) return asBackupError(signal.reason, 'INTERRUPTED')
  if (ending.code === 'ENOENT') return new BackupError('TOOL_MISSING', `${command}: no such program`)
  const how = ending.signal
    ? `ended by ${ending.signal}`
    : ending.exitCode === undefined
      ? (ending.originalMessage ?? 'could not be started')
      : `exit code ${ending.exitCode}`
  const lines = stderr.slice(-STDERR_TAIL_BYTES).trim().split('\n').slice(-5).join('\n')
  return new ProgramFailure(
    lines === '' ? `${command}: ${how}` : `${command}: ${how}: ${lines}`,
    ending.exitCode,
    lines,
  )
}
