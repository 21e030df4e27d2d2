import { walkTree } from './walk.ts'

/** Bytes that a tree occupies on its file system: what removing it would free. */
export async function treeSize(root: string, signal: AbortSignal): Promise<number> {
  let blocks = 0n
  for (const { stats } of walkTree(root, { requireStill: false })) {
    signal.throwIfAborted()
    blocks += stats.blocks
  }
  return Number(blocks) * 512
}
