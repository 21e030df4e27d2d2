import { BackupError } from '../../errors.ts'
import { type HintedContainer, logOf } from '../../hints.ts'
import { pickErrorLines } from '../../lib/error-lines.ts'
import { type FailureCode, toolFailures } from '../shared/tool-failure.ts'

/** The error for words that name the server's disk, the login or the server itself; undefined for all others. */
function judgeServer(said: string, _: FailureCode, container: HintedContainer): BackupError | undefined {
  if (/No space left on device|OutOfDiskSpace|disk is full/i.test(said)) {
    return new BackupError('NO_SPACE', `MongoDB has no room on its disk: ${said}`, { hint: spaceHint })
  }
  if (/not authorized/i.test(said)) {
    return new BackupError('AUTH_FAILED', `MongoDB refused what the user may not do: ${said}`, { hint: authHint })
  }
  if (refusedLogin.test(said)) {
    return new BackupError('AUTH_FAILED', `MongoDB refused the login: ${said}`, { hint: authHint })
  }
  if (unreachable.test(said)) {
    return new BackupError('SERVICE_DOWN', `MongoDB does not answer: ${said}`, { hint: downHint(container) })
  }
  return undefined
}

const refusedLogin = /Authentication failed|AuthenticationFailed|auth error|requires authentication|Unauthorized/i

const unreachable =
  /ECONNREFUSED|connection refused|server selection error|could not connect to server|MongoNetworkError|socket was unexpectedly closed/i

export const spaceHint = "Free space on the file system of MongoDB's data, then try again."
const authHint =
  'Name the user (xnai.backup.mongodb.user) and the variable of the container that holds the password (…mongodb.password-env).'
const downHint = (container: HintedContainer): string =>
  `Look at its log (${logOf(container)}): a MongoDB whose disk is full ends itself.`

/** The tools tell the reason before their last line, which is a summary. The lines around it show the progress. */
const reasonOf = (output: string): string =>
  pickErrorLines(output, { names: /Failed:|error|Error/, last: 3, otherwise: 3 }).join('\n')

export const { describeToolFailure, asDumpError } = toolFailures({
  reasonOf,
  judge: judgeServer,
  secret: 'login',
  missingHint: 'The official images of MongoDB 5 and newer carry mongosh, mongodump and mongorestore.',
})
