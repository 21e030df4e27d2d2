import { BackupError } from '../../errors.ts'

/** `INFO` as name → value. */
export type Info = ReadonlyMap<string, string>

export function parseInfo(text: string): Info {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

/** A number of INFO; undefined where this version does not report it. */
export function infoNumber(info: Info, name: string): number | undefined {
  const text = info.get(name)
  return text === undefined || text === '' ? undefined : Number(text)
}

/**
 * Replies of several `CONFIG GET` in the order they were asked: two lines for a known parameter, an empty line for an unknown one.
 * One `CONFIG GET` with several names needs Redis 7.
 */
export function parseConfig(text: string, names: readonly string[]): Map<string, string> {
  const lines = text.split('\n')
  const values = new Map<string, string>()
  let at = 0
  for (const name of names) {
    if (lines[at] === name) {
      values.set(name, lines[at + 1] ?? '')
      at += 2
    } else at += 1
  }
  return values
}

/** redis-cli exits 0 when the server refuses a command, so every reply is read: the first error line of it as an error. */
export function findReplyError(text: string): BackupError | undefined {
  const line = text.split('\n').find((each) => /^[A-Z][A-Z0-9]{2,} /.test(each))
  if (line === undefined) return undefined
  const [code] = line.split(' ', 1)
  if (code === 'NOAUTH' || code === 'WRONGPASS') {
    return new BackupError('AUTH_FAILED', `Redis refused the password: ${line}`, { hint: authHint })
  }
  if (code === 'NOPERM')
    return new BackupError('AUTH_FAILED', `Redis refused the command: ${line}`, { hint: permissionHint })
  if (code === 'LOADING')
    return new BackupError('SERVICE_DOWN', line, { hint: 'Redis still reads its data; wait for it.' })
  if (/unknown command/i.test(line)) {
    return new BackupError('EXEC_FAILED', `Redis does not know the command: ${line}`, { hint: renamedHint })
  }
  return new BackupError('EXEC_FAILED', `Redis refused the command: ${line}`)
}

const authHint =
  'Name the variable or the file of the container that holds the password: xnai.backup.redis.password-env or …redis.password-file; for ACL users also …redis.user.'
const permissionHint = 'Allow the user of xnai.backup.redis.user: +ping +time +info +bgsave +config|get'
const renamedHint =
  'The backup needs TIME, INFO, BGSAVE and CONFIG GET under their own names; they may be limited to one ACL user.'
