import { asBackupError, BackupError } from '../../errors.ts'
import type { StoredSnapshot } from '../method.ts'

/** A tree artifact to `root`, as `StoredSnapshot.extract` does it; a full disk is named by the path in the container. */
export async function extractTree(
  snapshot: StoredSnapshot,
  { name, origin = '' }: { name: string; origin?: string },
  root: string,
  only?: string[],
): Promise<void> {
  try {
    await snapshot.extract(name, root, only)
  } catch (cause) {
    if (asBackupError(cause).code !== 'NO_SPACE') throw cause
    const hint = 'Free space there: many small files need more room than their content.'
    throw new BackupError('NO_SPACE', `the file system of ${origin} is full`, { hint, cause })
  }
}
