import { asBackupError, BackupError } from '../../errors.ts'

/** Does work in the repository at `dir`. A failure that the system itself reports gets the address of the repository in front. */
export async function inRepository<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explain(dir, error)
  }
}

/** A BackupError and an abort already say what is wrong, and stay as they are. */
export function explain(dir: string, error: unknown): BackupError {
  const explained = asBackupError(error, 'REPOSITORY_FAILED')
  if (error === explained || explained.code === 'INTERRUPTED') return explained
  return new BackupError(explained.code, `archive:${dir}: ${explained.message}`, { cause: error })
}
