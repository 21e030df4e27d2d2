import { posix } from 'node:path'
import { asBackupError, BackupError } from '../../errors.ts'
import type { Check, StoredSnapshot } from '../method.ts'

type Tree = Pick<StoredSnapshot['artifacts'][number], 'name' | 'origin'>

/** Puts a tree to `root`, as `StoredSnapshot.extract` does it. The error for a full disk names the path in the container. */
export async function extractTree(
  snapshot: StoredSnapshot,
  { name, origin = '' }: Tree,
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

/**
 * One line of proof: the tree at `root` is the one of the snapshot, or the paths of it are that `only` names and `extractTree` has put
 * back. `skipDevices` are those of `TreeArtifact`.
 */
export async function proveTree(
  snapshot: StoredSnapshot,
  { name, origin = '' }: Tree,
  root: string,
  how: { skipDevices: string[]; only?: string[] },
): Promise<Check> {
  const { expected, actual } = await snapshot.proveTree(name, root, how)
  const what = how.only ? how.only.map((path) => posix.join(origin, path)).join(', ') : origin
  return { name: `${what} as it was packed`, expected, actual, ok: actual === expected }
}
