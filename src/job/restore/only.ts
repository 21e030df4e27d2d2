import { BackupError } from '../../errors.ts'
import { isAtOrBelow, pathsWithin } from '../../lib/tree/only.ts'
import type { ArtifactRecord, ListedEntry } from '../../repository/repository.ts'
import { type Sought, seek } from '../contents/seek.ts'
import { originOf, pathOf } from '../contents/trees.ts'
import type { Parts } from '../job.ts'
import { repositoryOf, snapshotRef, type TieredSnapshot } from '../repositories.ts'

/**
 * Throws NO_SUCH_SNAPSHOT where a path is not in the snapshot, with the nearest that are. It reads the list of the stored trees and
 * touches nothing, so that a typing error costs nothing.
 */
export async function refuseUnknownPaths(
  parts: Parts,
  snapshot: TieredSnapshot,
  only: string[],
  signal: AbortSignal,
): Promise<void> {
  const repository = repositoryOf(parts, snapshotRef(snapshot).tier)
  for (const artifact of snapshot.artifacts) {
    const asked = only.flatMap((given) => pathsWithin(originOf(artifact), [given]) ?? []).map(seek)
    if (asked.length === 0) continue
    for await (const entry of repository.listTree(snapshot, artifact.name, signal)) {
      // A tree of a single file is listed under the name of that file, and asked for as the root.
      for (const one of asked) one.meet(artifact.isFile ? '.' : entry.path)
      refuseSharing(artifact, entry, asked)
    }
    for (const one of asked) if (!one.isFound()) throw unknownPath(snapshot, artifact, one)
  }
}

/** A file would come back with the content that its other name has now, and not with its own. */
function refuseSharing(artifact: ArtifactRecord, { path, sharesWith }: ListedEntry, asked: Sought[]): void {
  const isAsked = (one: string) => asked.some(({ wanted }) => isAtOrBelow(one, wanted))
  if (sharesWith === undefined || !isAsked(path) || isAsked(sharesWith)) return
  const [name, other] = [path, sharesWith].map((one) => pathOf(artifact, one))
  throw new BackupError('RESTORE_REFUSED', `${name} shares its content with ${other}, which was not asked for`, {
    hint: `Nothing was touched. Add --only ${other}.`,
  })
}

function unknownPath(
  { id, target }: TieredSnapshot,
  artifact: ArtifactRecord,
  { wanted, nearest }: Sought,
): BackupError {
  const shown = (path: string) => pathOf(artifact, path)
  const names = nearest().map(shown)
  const hint =
    names.length > 0
      ? `Nothing was touched. Did you mean ${names.join(' or ')}?`
      : `Nothing was touched. To look at what the snapshot holds: xnai-backup ls ${id}.`
  return new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${id} of ${target} holds no ${shown(wanted)}`, { hint })
}
