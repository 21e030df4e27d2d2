import { asBackupError, BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import { unreadableSecret } from '../shared/secret.ts'

/** What a failed program means to the user. `code` where it is neither the password nor the server. */
export function describeToolFailure(
  { container }: Pick<MethodContext, 'container'>,
  tool: string,
  { exitCode, stderr }: { exitCode: number; stderr: string },
  code: 'EXEC_FAILED' | 'DUMP_FAILED' | 'RESTORE_FAILED' = 'EXEC_FAILED',
): BackupError {
  if (exitCode === 127 || exitCode === 126) return missingTool(`no ${tool} or no /bin/sh in ${container.name}`)
  if (exitCode === unreadableSecret) return unreadablePassword()
  const said = errorLines(stderr)
  return judgeConnection(said) ?? new BackupError(code, `${tool}: exit code ${exitCode}${said && `: ${said}`}`)
}

/** A failed program is a failed dump; a cut stream, a timeout and an abort stay what they are. */
export function asDumpError(cause: unknown, what: string): BackupError {
  const error = asBackupError(cause, 'DUMP_FAILED')
  if (error.code !== 'EXEC_FAILED') return error
  const exitCode = Number(error.message.match(/exit code (\d+)/)?.[1])
  if (exitCode === 126 || exitCode === 127) return missingTool(`${what}: its program is not in the image`)
  if (exitCode === unreadableSecret) return unreadablePassword()
  const said = errorLines(error.message)
  return judgeConnection(said) ?? new BackupError('DUMP_FAILED', `${what} failed: ${said}`)
}

/** The number of the first error that a program names: 1045 in `ERROR 1045 (28000): Access denied…`. */
export const errorNumber = (said: string): number => Number(said.match(/\berror:?\s+(\d{4})\b/i)?.[1] ?? Number.NaN)

/** Wrong password, unknown user, password expired, account locked. */
const refusedLogin = [1045, 1698, 1820, 1862, 3118, 4151]
/** No socket, no port, connection lost in the greeting, shutting down. */
const unreachable = [2002, 2003, 1053, 1077]

/** The password or the server, where the words of the program tell. */
export function judgeConnection(said: string): BackupError | undefined {
  const number = errorNumber(said)
  if (refusedLogin.includes(number)) {
    return new BackupError('AUTH_FAILED', `the server refused the login: ${said}`, { hint: authHint })
  }
  const isGreeting = number === 2013 && /handshake|initial communication|authorization packet/.test(said)
  if (!isGreeting && !unreachable.includes(number)) return undefined
  return new BackupError('SERVICE_DOWN', `the server does not answer: ${said}`)
}

/** What the programs say themselves: the client prints the failed statement too, which may hold the hash of a password or a row. */
export function errorLines(output: string): string {
  const lines = output.split('\n').filter((line) => /^(ERROR \d+|(mariadb|mysql)[\w-]*: )/.test(line))
  const plain = lines.filter((line) => !/Warning|Deprecated program name/i.test(line))
  return plain.map((line) => line.replace(/ near '.*/, '')).join('\n')
}

const missingTool = (message: string) => new BackupError('TOOL_MISSING', message)

const unreadablePassword = () =>
  new BackupError('AUTH_FAILED', 'the file that holds the password cannot be read in the container')

const authHint =
  'Name the variable of the container that holds the password (xnai.backup.mariadb.password-env, often MARIADB_ROOT_PASSWORD) and the user (…mariadb.user).'
