import { posix } from 'node:path'
import { BackupError } from '../../errors.ts'
import { nearest } from '../../labels/nearest.ts'
import type { ArtifactRecord, ListedEntry } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import { type AwayTier, listSnapshots, repositoryOf, snapshotRef, type TieredSnapshot } from '../repositories.ts'

/** Differences, or entries, that an answer holds. A tree may have millions, and no reader has use for them. */
export const mostShown = 10_000

/** The snapshots of these ids, or of what ids begin with. Throws NO_SUCH_SNAPSHOT where there is none, and USAGE where there are several. */
export async function snapshotsOfIds(parts: Parts, ids: string[], signal: AbortSignal): Promise<TieredSnapshot[]> {
  const away: AwayTier[] = []
  const snapshots = await listSnapshots(parts, signal, { onAway: (one) => away.push(one) })
  return ids.map((id) => snapshotOfId(snapshots, id, away))
}

/** What cannot be found may lie in a repository that is away. */
function snapshotOfId(snapshots: TieredSnapshot[], wanted: string, [away]: AwayTier[]): TieredSnapshot {
  const found = snapshots.filter(({ id }) => id.startsWith(wanted))
  const [first] = found
  if (first && (found.length === 1 || first.id === wanted)) return first
  if (first) {
    const hint = `Give more of it: ${found
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ')}.`
    throw new BackupError('USAGE', `${found.length} snapshots have an id that begins with ${wanted}`, { hint })
  }
  if (away) throw away.error
  const known = snapshots.map(({ id }) => id)
  const near = nearest(wanted, known)
  const hint = near === undefined ? {} : { hint: `Did you mean ${near}? xnai-backup list shows all ids.` }
  throw new BackupError('NO_SUCH_SNAPSHOT', `there is no snapshot ${wanted}`, hint)
}

/** The path in the container that the root of a stored tree stands for. */
export const originOf = ({ origin = '/' }: Pick<ArtifactRecord, 'origin'>): string => origin

/** The path in the container of an entry of a stored tree. */
export const pathOf = (artifact: ArtifactRecord, path: string): string => posix.join(originOf(artifact), path)

/** The entries of a stored tree, in the order of a walk. The root is `.`, and so is the one entry of a tree that is a single file. */
export async function* entriesOf(
  parts: Parts,
  snapshot: TieredSnapshot,
  artifact: ArtifactRecord,
  signal: AbortSignal,
): AsyncGenerator<ListedEntry> {
  const repository = repositoryOf(parts, snapshotRef(snapshot).tier)
  for await (const entry of repository.listTree(snapshot, artifact.name, signal))
    yield artifact.isFile ? { ...entry, path: '.' } : entry
}
