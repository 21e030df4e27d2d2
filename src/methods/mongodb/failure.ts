import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import { unreadableSecret } from '../shared/secret.ts'

/** What a failed program means to the user. `code` where it is neither the login nor the server. */
export function describeFailure(
  { container }: Pick<MethodContext, 'container'>,
  tool: string,
  { exitCode, stderr }: { exitCode: number; stderr: string },
  code: 'EXEC_FAILED' | 'RESTORE_FAILED' = 'EXEC_FAILED',
): BackupError {
  if (exitCode === 127 || exitCode === 126) {
    const hint = 'The official images of MongoDB 5 and newer carry mongosh, mongodump and mongorestore.'
    return new BackupError('TOOL_MISSING', `no ${tool} or no /bin/sh in ${container.name}`, { hint })
  }
  if (exitCode === unreadableSecret)
    return new BackupError('AUTH_FAILED', 'the file that holds the login cannot be read in the container')
  const said = reasonOf(stderr)
  return judgeServer(said) ?? new BackupError(code, `${tool}: exit code ${exitCode}${said && `: ${said}`}`)
}

/** A failed program is a failed dump; a cut stream, a timeout and an abort stay what they are. */
export function asDumpError(cause: unknown): BackupError {
  const error = asBackupError(cause, 'DUMP_FAILED')
  if (error.code !== 'EXEC_FAILED') return error
  const said = reasonOf(error.message)
  if (/exit code 12[67]\b/.test(error.message))
    return new BackupError('TOOL_MISSING', 'no mongodump in the image', { cause })
  return judgeServer(said) ?? new BackupError('DUMP_FAILED', `mongodump failed: ${said}`)
}

/** The tools tell the reason before their last line, which is a summary; around it stands the progress. */
function reasonOf(output: string): string {
  const lines = output.trim().split('\n')
  const reasons = lines.filter((line) => /Failed:|error|Error/.test(line))
  return (reasons.length > 0 ? reasons : lines).slice(-3).join('\n')
}

/** The server's disk, the login or the server itself, where the words of the program tell. */
function judgeServer(said: string): BackupError | undefined {
  if (/No space left on device|OutOfDiskSpace|disk is full/i.test(said))
    return new BackupError('NO_SPACE', `MongoDB has no room on its disk: ${said}`, { hint: spaceHint })
  if (
    /Authentication failed|AuthenticationFailed|auth error|requires authentication|not authorized|Unauthorized/i.test(
      said,
    )
  ) {
    return new BackupError('AUTH_FAILED', `MongoDB refused the login: ${said}`, {
      hint: 'Name the user (xnai.backup.mongodb.user) and the variable of the container that holds the password (…mongodb.password-env).',
    })
  }
  if (
    /ECONNREFUSED|connection refused|server selection error|could not connect to server|MongoNetworkError|socket was unexpectedly closed/i.test(
      said,
    )
  ) {
    const hint = 'Look at its log (podman logs NAME): a MongoDB whose disk is full ends itself.'
    return new BackupError('SERVICE_DOWN', `MongoDB does not answer: ${said}`, { hint })
  }
  return undefined
}

export const spaceHint = "Free space on the file system of MongoDB's data, then try again."
