import { BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import { fingerprintTree } from '../../lib/tree/in-child.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import { recordIndexes } from './record-indexes.ts'
import { treesOf } from './trees.ts'

/** Without a quiesce it compares the trees before and after, and throws NOT_STILL where one changed. */
export async function* capture(ctx: CaptureContext, spec: TargetSpec<'files'>): AsyncGenerator<TreeArtifact> {
  const trees = treesOf(ctx, spec)
  const before = await fingerprintAll(ctx, spec, trees)
  yield* trees
  refuseChange(trees, before, await fingerprintAll(ctx, spec, trees))
  // Single paths are kept as they are before a restore, torn or not.
  if (!ctx.only) await recordIndexes(ctx, trees)
}

/** One after the other: each walk at the same time would need a child process of its own. */
async function fingerprintAll(
  ctx: CaptureContext,
  { quiesce }: TargetSpec<'files'>,
  trees: TreeArtifact[],
): Promise<string[]> {
  const fingerprints: string[] = []
  if (quiesce !== 'none') return fingerprints
  for (const tree of trees) fingerprints.push(await fingerprintTree(tree.root, tree, ctx.signal))
  return fingerprints
}

function refuseChange(trees: TreeArtifact[], before: string[], after: string[]): void {
  const changed = trees.filter((_, index) => before[index] !== after[index]).map(({ origin }) => origin)
  if (changed.length > 0) throw new BackupError('NOT_STILL', `${changed.join(', ')} changed while it was read`)
}
