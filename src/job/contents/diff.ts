import { BackupError } from '../../errors.ts'
import { targetKeyOf } from '../../plan/plan.ts'
import type { ArtifactRecord } from '../../repository/repository.ts'
import type { Parts } from '../job.ts'
import type { TieredSnapshot } from '../repositories.ts'
import { type Change, compareTrees, type Difference } from './compare-trees.ts'
import { entriesOf, mostShown, pathOf } from './trees.ts'

/** How two snapshots of one target differ. */
export interface SnapshotDiff {
  artifacts: ArtifactDiff[]
  /** How many paths of trees differ. */
  counts: Record<Change, number>
  /** The paths are those in the container. */
  differences: Difference[]
  /** How many further differences there are. */
  more: number
}

/** One artifact in both snapshots. A tree that both hold is compared by its paths. */
export interface ArtifactDiff {
  name: string
  change: Change | 'same'
  before: ArtifactRecord | null
  after: ArtifactRecord | null
}

/** Compares dumps by length and digest, and trees by their entries. Throws USAGE for snapshots of different targets. */
export async function diffSnapshots(
  parts: Parts,
  [before, after]: [TieredSnapshot, TieredSnapshot],
  signal: AbortSignal,
): Promise<SnapshotDiff> {
  const [one, other] = [before, after].map(targetKeyOf)
  if (one !== other) throw new BackupError('USAGE', `one snapshot is of ${one}, the other one of ${other}`)
  const diff: SnapshotDiff = {
    artifacts: diffArtifacts(before.artifacts, after.artifacts),
    counts: { added: 0, removed: 0, changed: 0 },
    differences: [],
    more: 0,
  }
  for (const pair of diff.artifacts) {
    if (pair.before?.kind !== 'tree' || pair.after?.kind !== 'tree') continue
    const [old, now] = [entriesOf(parts, before, pair.before, signal), entriesOf(parts, after, pair.after, signal)]
    for await (const found of compareTrees(old, now)) {
      pair.change = 'changed'
      diff.counts[found.change]++
      if (diff.differences.length === mostShown) diff.more++
      else diff.differences.push({ ...found, path: pathOf(pair.after, found.path) })
    }
  }
  return diff
}

/** Those of both snapshots by name, the earlier ones first. Whether the trees of a pair differ is not known yet. */
function diffArtifacts(before: ArtifactRecord[], after: ArtifactRecord[]): ArtifactDiff[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))]
  return names.map((name) => {
    const pair = {
      before: before.find((artifact) => artifact.name === name) ?? null,
      after: after.find((artifact) => artifact.name === name) ?? null,
    }
    return { name, change: changeOf(pair), ...pair }
  })
}

function changeOf({ before, after }: Pick<ArtifactDiff, 'before' | 'after'>): ArtifactDiff['change'] {
  if (!before) return 'added'
  if (!after) return 'removed'
  const isSame = before.kind === after.kind && before.sha256 === after.sha256
  return isSame ? 'same' : 'changed'
}
