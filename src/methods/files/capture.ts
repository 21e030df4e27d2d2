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
  const fingerprint = async () =>
    spec.quiesce === 'none' ? Promise.all(trees.map((tree) => fingerprintTree(tree.root, tree, ctx.signal))) : []
  const before = await fingerprint()
  yield* trees
  refuseChange(trees, before, await fingerprint())
  // Single paths are kept as they are before a restore, torn or not.
  if (!ctx.only) await recordIndexes(ctx, trees)
}

function refuseChange(trees: TreeArtifact[], before: string[], after: string[]): void {
  const changed = trees.filter((_, index) => before[index] !== after[index]).map(({ origin }) => origin)
  if (changed.length > 0) throw new BackupError('NOT_STILL', `${changed.join(', ')} changed while it was read`)
}
