import { BackupError } from '../../errors.ts'
import { type HintedContainer, startHint } from '../../hints.ts'
import { pickErrorLines } from '../../lib/error-lines.ts'
import { type FailureCode, toolFailures } from '../shared/tool-failure.ts'

/** The error for words that name the server's memory, its disk, the login or the server itself; undefined for all others. */
export function judgeServer(said: string, code: FailureCode, container: HintedContainer): BackupError | undefined {
  if (/could not resize shared memory segment/.test(said)) {
    return new BackupError(code, `PostgreSQL has too little shared memory: ${said}`, { hint: sharedMemoryHint })
  }
  if (/No space left on device|(ERROR|FATAL|PANIC):\s+53100:/.test(said)) {
    return new BackupError('NO_SPACE', `PostgreSQL has no room on its disk: ${said}`, { hint: spaceHint })
  }
  if (refusedLogin.test(said) && /FATAL|fe_sendauth|connection to server/i.test(said)) {
    return new BackupError('AUTH_FAILED', `PostgreSQL refused the login: ${said}`, { hint: authHint })
  }
  if (unreachable.test(said)) {
    return new BackupError('SERVICE_DOWN', `PostgreSQL does not answer: ${said}`, { hint: startHint(container) })
  }
  return undefined
}

const refusedLogin =
  /password authentication failed|no password supplied|authentication failed|no pg_hba\.conf entry|role ".*" does not exist\s*$/i

const unreachable =
  /connection to server .* failed|could not connect|the database system is (starting|shutting|in recovery|not yet)/i

const sharedMemoryHint =
  'Raise the size of /dev/shm of the container: shm_size: 256m in its compose file. Its default is 64 MiB. No disk is full.'
const spaceHint =
  'Free space where the data of PostgreSQL lies: a restore fills new databases beside those of now, and writes all of it to the log (WAL) too.'
const authHint =
  'Name the variable of the container that holds the password (xnai.backup.postgres.password-env, often POSTGRES_PASSWORD) and the user (…postgres.user).'

const names = /(ERROR|FATAL|PANIC|DETAIL|HINT):|: (error|fatal): /

export const { describeToolFailure, asDumpError } = toolFailures({
  reasonOf: (output) => pickErrorLines(output, { names, first: 8, otherwise: 6 }).join('\n'),
  judge: judgeServer,
  secret: 'password',
})
