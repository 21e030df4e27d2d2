import { BackupError } from '../../errors.ts'

/** The fields of `INFO` by name. */
export type Info = ReadonlyMap<string, string>

export function parseInfo(text: string): Info {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

/** A field of INFO as a number; undefined where this version does not report it. */
export function infoNumber(info: Info, name: string): number | undefined {
  const text = info.get(name)
  return text === undefined || text === '' ? undefined : Number(text)
}

/**
 * Reads the replies to one `CONFIG GET` for each name, in the order of the names: two lines for a known parameter, an empty line for an
 * unknown one. A single `CONFIG GET` with several names would need Redis 7.
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

/**
 * The first error line among the replies, as an error. They MUST be searched, since redis-cli exits 0 when the server refuses a
 * command. `sent`: the sentence that says which password was sent.
 */
export function findReplyError(text: string, sent = ''): BackupError | undefined {
  const line = text.split('\n').find((each) => /^[A-Z][A-Z0-9]{2,} /.test(each))
  if (line === undefined) return undefined
  const [code] = line.split(' ', 1)
  if (code === 'NOAUTH' || code === 'WRONGPASS') {
    return new BackupError('AUTH_FAILED', `Redis refused the login: ${line}`, { hint: `${sent} ${authHint}`.trim() })
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
  'Name the variable or the file of the container that holds the password: xnai.backup.redis.password-env or …redis.password-file; for ACL users also …redis.user. A password that stands in the command alone (--requirepass) must be put into one of them, too.'
const permissionHint = 'Allow the user of xnai.backup.redis.user: +ping +time +info +bgsave +config|get'
const renamedHint =
  'The backup needs TIME, INFO, BGSAVE and CONFIG GET under their own names; they may be limited to one ACL user.'
