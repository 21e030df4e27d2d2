import { posix } from 'node:path'
import { distance } from 'fastest-levenshtein'
import { BackupError } from '../../errors.ts'
import { isAtOrBelow, pathsWithin } from '../../lib/tree/only.ts'
import type { ArtifactRecord, ListedEntry } from '../../repository/repository.ts'
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
  const [name, other] = [path, sharesWith].map((one) => posix.join(originOf(artifact), one))
  throw new BackupError('RESTORE_REFUSED', `${name} shares its content with ${other}, which was not asked for`, {
    hint: `Nothing was touched. Add --only ${other}.`,
  })
}

const originOf = ({ origin = '/' }: ArtifactRecord): string => origin

/** Names that are shown where a path is not there. */
const shownNames = 3

type Sought = ReturnType<typeof seek>

/** Looks for one path among the entries of a tree, and keeps the few that come nearest. Memory does not grow with the tree. */
function seek(wanted: string) {
  let isFound = false
  let near: { path: string; away: number }[] = []
  const most = Math.max(2, Math.floor(wanted.length / 3))
  return {
    wanted,
    isFound: () => isFound,
    nearest: () => near.map(({ path }) => path),
    meet: (path: string) => {
      if (path === wanted) isFound = true
      if (isFound || path === '.') return
      // A file of the same name in another folder was as likely meant as one with a slip in its name.
      const away = posix.basename(path) === posix.basename(wanted) ? 1 : distance(path, wanted)
      if (away > most || (near.length === shownNames && away >= (near.at(-1)?.away ?? 0))) return
      near = [...near, { path, away }].toSorted((a, b) => a.away - b.away).slice(0, shownNames)
    },
  }
}

function unknownPath(
  { id, target }: TieredSnapshot,
  artifact: ArtifactRecord,
  { wanted, nearest }: Sought,
): BackupError {
  const shown = (path: string) => posix.join(originOf(artifact), path)
  const names = nearest().map(shown)
  const hint =
    names.length > 0
      ? `Nothing was touched. Did you mean ${names.join(' or ')}?`
      : 'Nothing was touched. To look at all that the snapshot holds, write it beside the stack: --to DIR.'
  return new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${id} of ${target} holds no ${shown(wanted)}`, { hint })
}
