import { asBackupError, causesOf, type ErrorReport } from '../errors.ts'
import type { Log } from './log.ts'

/** The fields of a log line that tell of a failure. */
export interface LoggedFailure {
  code: string
  /** What happened, and what led to it. */
  cause: string
  hint: string
  /** Only at level debug. */
  stack?: string
}

/**
 * Logs a failure as one line, with code, cause and hint as its fields, and the stack where the level is debug or lower. All failures are
 * logged by it. `what` failed, as the message of the line: `backup failed`. `level`: default `error`.
 */
export function logFailure(
  log: Log,
  what: string,
  error: unknown,
  { level = 'error', ...fields }: { level?: 'error' | 'warn' | 'debug'; [field: string]: unknown } = {},
): void {
  log[level]({ ...fields, ...describeFailure(error, log.isLevelEnabled('debug')) }, what)
}

/** Logs a failure that another process has met, in the same way. */
export function logReport(
  log: Log,
  what: string,
  { code, message, hint }: ErrorReport,
  fields: { [field: string]: unknown } = {},
): void {
  const told: LoggedFailure = { code, cause: message, hint }
  log.error({ ...fields, ...told }, what)
}

function describeFailure(error: unknown, withStack: boolean): LoggedFailure {
  const failure = asBackupError(error)
  const { code, message, hint } = failure
  const cause = [message, ...causesOf(failure)].join('; because: ')
  return { code, cause, hint, ...(withStack && { stack: stackOf(failure) }) }
}

/** The stack of an error, and those of what caused it. */
function stackOf({ stack = '', cause }: Error): string {
  return cause instanceof Error ? `${stack}\ncaused by: ${stackOf(cause)}` : stack
}
