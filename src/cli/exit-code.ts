import type { ErrorCode } from '../errors.ts'
import type { Answer } from './command.ts'

/** Every exit code with its meaning, as `--help` shows it: contract, section 4. */
export const exitCodes = {
  0: 'done',
  1: 'failed, or an objective missed',
  2: 'wrong usage or configuration',
  3: 'finished incomplete: some targets failed',
  4: 'no such target or snapshot',
  5: 'busy: the target or the repository is being worked on',
  130: 'interrupted',
} as const

export type ExitCode = keyof typeof exitCodes

const codesByError: { [Code in ErrorCode]?: ExitCode } = {
  USAGE: 2,
  CONFIG_INVALID: 2,
  CONFIRMATION_NEEDED: 2,
  NO_SUCH_TARGET: 4,
  NO_SUCH_SNAPSHOT: 4,
  BUSY: 5,
  INTERRUPTED: 130,
  CANCELLED: 130,
}

/** The exit code of a command that ended by an error; 1 unless the error has one of its own. */
export const exitCodeOfError = (code: ErrorCode): ExitCode => codesByError[code] ?? 1

/** The exit code of a command that has a result. When all targets failed with the same exit code, the command has it too. */
export function exitCodeOfAnswer({ outcome, errors = [] }: Pick<Answer, 'outcome' | 'errors'>): ExitCode {
  if (outcome === 'complete') return 0
  if (errors.some(({ code }) => exitCodeOfError(code) === 130)) return 130
  if (outcome === 'incomplete') return 3
  const [first, ...others] = new Set(errors.map((error) => exitCodeOfError(error.code)))
  return first === undefined || others.length > 0 ? 1 : first
}
