import { asBackupError, BackupError } from '../../errors.ts'
import type { HintedContainer } from '../../hints.ts'
import type { MethodContext } from '../method.ts'
import { unreadableSecret } from './secret.ts'

/** How the programs of one kind of server say why they failed. */
export interface ToolWords {
  /** The lines of an output that tell the reason. They MUST NOT hold a secret, nor a statement that may hold one. */
  reasonOf(output: string): string
  /**
   * AUTH_FAILED, SERVICE_DOWN or NO_SPACE where the reason speaks of the login, the server or its disk, or an error with the given code
   * and a better hint; undefined otherwise.
   */
  judge(reason: string, code: FailureCode, container: HintedContainer): BackupError | undefined
  /** What is in the file that the programs take their secret from: `password`. */
  secret: string
  /** The hint of TOOL_MISSING for a program that is not in the image. */
  missingHint?: string
}

export type FailureCode = 'EXEC_FAILED' | 'DUMP_FAILED' | 'RESTORE_FAILED'

export interface ToolFailures {
  /** The error for a program that ended with an exit code other than 0. It has `code` where `judge` knows no better one. */
  describeToolFailure(
    ctx: Pick<MethodContext, 'container'>,
    tool: string,
    result: { exitCode: number; stderr: string },
    code?: FailureCode,
  ): BackupError
  /**
   * The error for a dump whose stream failed: DUMP_FAILED, or what `judge` says, for a program that failed. A cut stream, a timeout and
   * an interruption stay what they are. `what` begins the message.
   */
  asDumpError(ctx: Pick<MethodContext, 'container'>, cause: unknown, what: string): BackupError
}

/** The two ways in which a program in the container fails, told to the user in the words of one kind of server. */
export function toolFailures({ reasonOf, judge, secret, missingHint }: ToolWords): ToolFailures {
  const missing = (message: string) =>
    new BackupError('TOOL_MISSING', message, missingHint === undefined ? {} : { hint: missingHint })
  const unreadable = () =>
    new BackupError('AUTH_FAILED', `the file that holds the ${secret} cannot be read in the container`)
  return {
    describeToolFailure({ container }, tool, { exitCode, stderr }, code = 'EXEC_FAILED') {
      if (isMissing(exitCode)) return missing(`no ${tool} or no /bin/sh in ${container.name}`)
      if (exitCode === unreadableSecret) return unreadable()
      const reason = reasonOf(stderr)
      return (
        judge(reason, code, container) ??
        new BackupError(code, `${tool}: exit code ${exitCode}${reason && `: ${reason}`}`)
      )
    },
    asDumpError({ container }, cause, what) {
      const error = asBackupError(cause, 'DUMP_FAILED')
      if (error.code !== 'EXEC_FAILED') return error
      const exitCode = Number(error.message.match(/exit code (\d+)/)?.[1])
      if (isMissing(exitCode)) return missing(`${what}: its program is not in the image`)
      if (exitCode === unreadableSecret) return unreadable()
      const reason = reasonOf(error.message)
      return judge(reason, 'DUMP_FAILED', container) ?? new BackupError('DUMP_FAILED', `${what} failed: ${reason}`)
    },
  }
}

/** The exit codes by which a shell says that it could not start a program. */
const isMissing = (exitCode: number): boolean => exitCode === 126 || exitCode === 127
