import { inChild } from '../../lib/child/in-child.ts'
import { ownFile } from '../../lib/own-files.ts'
import type { TreeArtifact } from '../../repository/repository.ts'
import type { CaptureContext } from '../method.ts'
import type { FoundIndex } from './faiss.ts'

export type IndexedTree = Pick<TreeArtifact, 'origin' | 'root' | 'exclude'>

/** `findIndexes`, done by a child process. */
export const locateIndexes = inChild<(trees: IndexedTree[], signal: AbortSignal) => Promise<FoundIndex[]>>(
  ownFile('methods/files/faiss.ts'),
  'findIndexes',
)

/** Records the size and dimension of each FAISS index near the top of the trees: see `findIndexes`. */
export async function recordIndexes(ctx: CaptureContext, trees: IndexedTree[]): Promise<void> {
  for (const { path, header } of await locateIndexes(trees, ctx.signal)) ctx.fact(`faiss ${path}`, { ...header })
}
