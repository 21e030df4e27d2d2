import { isDeepStrictEqual } from 'node:util'
import { inChild } from '../../lib/child/in-child.ts'
import { ownFile } from '../../lib/own-files.ts'
import { shownPath } from '../../lib/tree/open-root.ts'
import { makePreparations } from '../preparations.ts'
import type { Prepared, PrepareOptions, TargetId, TreeArtifact } from '../repository.ts'
import { beginOwner } from './owners.ts'
import { PATIENCE } from './patience.ts'
import type { Restic } from './program.ts'

const readAhead = inChild<typeof import('./read-ahead.ts').readAhead>(
  ownFile('repository/restic/read-ahead.ts'),
  'readAhead',
  PATIENCE,
)

/** The snapshots of restic that trees were read into. */
type Parents = (tree: TreeArtifact) => string | undefined

const preparations = makePreparations<Parents>()

/** See `Preparations.read`. A repository is known by its address. */
export const parentsOf = preparations.read

export interface Preparation extends PrepareOptions {
  leastBytes: number
  /** The newest snapshot of restic of the same tree. */
  parentOf(name: string): string | undefined
}

/**
 * Stores trees while they are written. What is stored so is a parent for what `stage` stores, and nothing else: the next removal of old
 * snapshots takes it along, and a sweep does where this process dies.
 */
export async function prepareTrees(
  restic: Restic,
  target: TargetId,
  trees: TreeArtifact[],
  { signal, onWarning, leastBytes, parentOf }: Preparation,
): Promise<Prepared> {
  const owner = beginOwner(restic.home)
  const read: { tree: TreeArtifact; parent: string }[] = []
  try {
    for (const tree of trees) {
      const before = parentOf(tree.name)
      const how = { signal, target, owner: owner.id, leastBytes, ...(before !== undefined && { parent: before }) }
      const { parent, obstacle } = await readAhead(tree.root, tree, restic, how)
      if (parent !== undefined) read.push({ tree, parent })
      if (obstacle !== undefined)
        onWarning(`${obstacle}: its services are down for as long as ${shownPath(tree.root)} takes to be read`)
    }
  } catch (error) {
    owner.end(true)
    throw error
  }
  const prepared = {
    target,
    isWhole: read.length === trees.length,
    [Symbol.asyncDispose]: async () => owner.end(false),
  }
  const parents: Parents = (tree) => read.find((one) => isDeepStrictEqual(one.tree, tree))?.parent
  preparations.note(prepared, restic.address.url, parents)
  return prepared
}
