import { asBackupError, BackupError } from '../../errors.ts'
import { ProgramFailure } from '../../lib/program-failure.ts'

const hints: Record<
  number,
  ConstructorParameters<typeof BackupError>[2] & { code: BackupError['code']; what: string }
> = {
  2: { code: 'TOOL_FAILED', what: 'restic has crashed' },
  3: { code: 'REPOSITORY_FAILED', what: 'restic could not do all of its work' },
  10: { code: 'REPOSITORY_UNREACHABLE', what: 'there is no repository of restic' },
  11: {
    code: 'REPOSITORY_FAILED',
    what: 'another process keeps the repository locked',
    hint: 'A check or a prune keeps all others out: wait for its end. If none runs on any host, remove what dead ones left: restic unlock.',
  },
  12: {
    code: 'REPOSITORY_FAILED',
    what: 'the password is wrong',
    hint: 'Set local-password or remote-password (XNAI_BACKUP_LOCAL_PASSWORD, XNAI_BACKUP_REMOTE_PASSWORD) to the password that the repository was made with: its recovery kit has it.',
  },
}

/** The error for an exit code of restic that is not 0, with the last lines that it wrote. The address of the repository stands first. */
export function explainRestic(url: string, exitCode: number | undefined, stderr: string): BackupError {
  const lines = messagesOf(stderr)
  const text = exitCode === 2 ? '' : lines.slice(-3).join('\n')
  if (/no space left on device|disk quota exceeded/i.test(text)) return new BackupError('NO_SPACE', `${url}: ${text}`)
  const known = hints[exitCode ?? 0]
  const what = known ? known.what : `restic: exit code ${exitCode}`
  const failure = new ProgramFailure(`${url}: ${[what, text].filter(Boolean).join(': ')}`, exitCode, text)
  if (!known) return failure
  return new BackupError(known.code, failure.message, { ...(known.hint && { hint: known.hint }), cause: failure })
}

/** Does work with restic, whose failures get the address of the repository and a hint. */
export async function inRestic<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explainFailure(url, error)
  }
}

export function explainFailure(url: string, error: unknown): BackupError {
  if (error instanceof ProgramFailure && !error.message.startsWith(url))
    return explainRestic(url, error.exitCode, error.lines)
  return asBackupError(error, 'REPOSITORY_FAILED')
}

/** restic reports errors as JSON, and some as plain text. */
function messagesOf(stderr: string): string[] {
  return stderr
    .trim()
    .split('\n')
    .flatMap((line) => {
      if (!line.startsWith('{')) return line.trim()
      try {
        const { message, error, item } = JSON.parse(line) as {
          message?: string
          item?: string
          error?: { message?: string }
        }
        return [item, error?.message ?? message].filter(Boolean).join(': ')
      } catch {
        return line
      }
    })
    .filter((line) => line !== '')
}

/** The failure of a program that reads what is stored. restic proves every byte, and says so in words only. */
export function explainDamage(url: string, error: unknown): BackupError {
  const failure = explainFailure(url, error)
  const { exitCode } = failure instanceof ProgramFailure ? failure : ((failure.cause ?? {}) as Partial<ProgramFailure>)
  // It crashes at some damages.
  if (exitCode !== 1 && exitCode !== 2) return failure
  return new BackupError('SNAPSHOT_DAMAGED', failure.message, { cause: failure })
}
