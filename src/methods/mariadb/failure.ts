import { BackupError } from '../../errors.ts'
import { type HintedContainer, startHint } from '../../hints.ts'
import { pickErrorLines } from '../../lib/error-lines.ts'
import { type FailureCode, toolFailures } from '../shared/tool-failure.ts'

/** The number of the first error that a program names: 1045 in `ERROR 1045 (28000): Access denied…`. NaN where it names none. */
export const errorNumber = (said: string): number => Number(said.match(/\berror:?\s+(\d{4})\b/i)?.[1] ?? Number.NaN)

/** The errors of a login that is refused: wrong password, unknown user, password expired, account locked. */
const refusedLogin = [1045, 1698, 1820, 1862, 3118, 4151]
/** The errors of a server that cannot be reached: no socket, no port, shutting down. */
const unreachable = [2002, 2003, 1053, 1077]

/** The error for words that name the login or the server itself; undefined for all others. */
export function judgeConnection(said: string, _: FailureCode, container: HintedContainer): BackupError | undefined {
  const number = errorNumber(said)
  if (refusedLogin.includes(number)) {
    return new BackupError('AUTH_FAILED', `the server refused the login: ${said}`, { hint: authHint })
  }
  const isGreeting = number === 2013 && /handshake|initial communication|authorization packet/.test(said)
  if (!isGreeting && !unreachable.includes(number)) return undefined
  return new BackupError('SERVICE_DOWN', `the server does not answer: ${said}`, { hint: startHint(container) })
}

const authHint =
  'Name the variable of the container that holds the password (xnai.backup.mariadb.password-env, often MARIADB_ROOT_PASSWORD) and the user (…mariadb.user).'

/**
 * The lines in which the programs speak for themselves. The client also prints the statement that failed, which may hold the hash of a
 * password or a row: it is left out.
 */
export function errorLines(output: string): string {
  const lines = pickErrorLines(output, { names: /^(ERROR \d+|(mariadb|mysql)[\w-]*: )/ })
  const plain = lines.filter((line) => !/Warning|Deprecated program name/i.test(line))
  return plain.map((line) => line.replace(/ near '.*/, '')).join('\n')
}

export const { describeToolFailure, asDumpError } = toolFailures({
  reasonOf: errorLines,
  judge: judgeConnection,
  secret: 'password',
})
