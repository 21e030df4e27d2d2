import { BackupError } from '../../errors.ts'
import { isAtOrBelow, pathsWithin } from '../../lib/tree/only.ts'
import type { ArtifactRecord, ListedEntry } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { type Sought, seek } from './seek.ts'
import { entriesOf, mostShown, originOf, pathOf } from './trees.ts'

/** What is in the trees of a snapshot, or in a part of them. The paths are those in the container. */
export interface Listing {
  entries: ListedEntry[]
  /** How many further entries there are. */
  more: number
}

export interface ListingRequest {
  /** A path in the container, or one relative to the root of a tree. Default: the roots. */
  path?: string
  /** All that lies below. Default: the entries of the folder. */
  recursive: boolean
}

/** Lists the trees of a snapshot. Throws NO_SUCH_SNAPSHOT, with the nearest names, where no tree holds the path. */
export async function listContents(
  parts: Parts,
  snapshot: TieredSnapshot,
  { path, recursive }: ListingRequest,
  signal: AbortSignal,
): Promise<Listing> {
  const listing: Listing = { entries: [], more: 0 }
  const sought: { artifact: ArtifactRecord; one: Sought }[] = []
  for (const artifact of snapshot.artifacts.filter(({ kind }) => kind === 'tree')) {
    const [top] = path === undefined ? ['.'] : (pathsWithin(originOf(artifact), [path]) ?? [])
    if (top === undefined) continue
    const one = seek(top)
    sought.push({ artifact, one })
    for await (const entry of entriesOf(parts, snapshot, artifact, signal)) {
      one.meet(entry.path)
      const isWithin = isAtOrBelow(entry.path, top)
      // What lies below a folder comes right after it.
      if (!isWithin && one.isFound()) break
      if (!isWithin || !isShown(entry, top, recursive)) continue
      if (listing.entries.length === mostShown) listing.more++
      else listing.entries.push({ ...entry, ...inContainer(artifact, entry) })
    }
  }
  if (path !== undefined && !sought.some(({ one }) => one.isFound())) throw unknownPath(snapshot, path, sought)
  return listing
}

/** The folder itself is not part of what it holds. */
function isShown({ path, type }: ListedEntry, top: string, recursive: boolean): boolean {
  if (path === top) return type !== 'directory'
  const inside = top === '.' ? path : path.slice(top.length + 1)
  return recursive || !inside.includes('/')
}

function inContainer(artifact: ArtifactRecord, { path, sharesWith }: ListedEntry) {
  return {
    path: pathOf(artifact, path),
    ...(sharesWith !== undefined && { sharesWith: pathOf(artifact, sharesWith) }),
  }
}

function unknownPath(
  { id, target, artifacts }: TieredSnapshot,
  path: string,
  sought: { artifact: ArtifactRecord; one: Sought }[],
): BackupError {
  const near = sought.flatMap(({ artifact, one }) => one.nearest().map((name) => pathOf(artifact, name)))
  const trees = artifacts.filter(({ kind }) => kind === 'tree').map(originOf)
  const holds = trees.length === 0 ? 'It holds no files, only dumps.' : `It holds ${trees.join(', ')}.`
  const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : holds
  return new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${id} of ${target} holds no ${path}`, { hint })
}
