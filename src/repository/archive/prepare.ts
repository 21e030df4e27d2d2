import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { asBackupError } from '../../errors.ts'
import { inChild } from '../../lib/child/in-child.ts'
import { ownFile } from '../../lib/own-files.ts'
import { shownPath } from '../../lib/tree/open-root.ts'
import { makePreparations } from '../preparations.ts'
import type { Prepared, PrepareOptions, TargetId, TreeArtifact } from '../repository.ts'
import type { TreeCopy } from './copy-programs.ts'
import { type OwnArchive, openStaging } from './staging.ts'

const findObstacle = inChild<typeof import('./prepare-obstacles.ts').findObstacle>(
  ownFile('repository/archive/prepare-obstacles.ts'),
  'findObstacle',
)
const copyHot = inChild<typeof import('./copy-tree.ts').copyHot>(ownFile('repository/archive/copy-tree.ts'), 'copyHot')
const copyRest = inChild<typeof import('./copy-tree.ts').copyRest>(
  ownFile('repository/archive/copy-tree.ts'),
  'copyRest',
)

/** Copies of the trees of one target, on the disk of the repository. */
export interface Copies {
  /**
   * Takes what has changed since the hot pass; nothing may write any more. Answers where the whole copy lies, or undefined where this
   * very tree was not copied. Throws NOT_STILL where something writes.
   */
  finish(tree: TreeArtifact): Promise<string | undefined>
}

const preparations = makePreparations<Copies>()

/** See `Preparations.read`. */
export const copiesOf = preparations.read

/**
 * Copies trees to the disk of the repository while they are written. `Copies.finish` then copies only what has changed since, so that
 * a stop lasts as long as that, and the packing comes after it.
 */
export async function prepareTrees(
  archive: OwnArchive,
  target: TargetId,
  trees: TreeArtifact[],
  options: PrepareOptions & { leastBytes: number },
): Promise<Prepared> {
  const { signal, onWarning } = options
  const staging = await openStaging(archive)
  const copies: TreeCopy[] = []
  try {
    for (const [index, tree] of trees.entries()) {
      const copy = { tree, folder: join(staging.folder, String(index)), mark: join(staging.folder, `${index}.mark`) }
      const obstacle = await findObstacle(tree.root, staging.folder, tree, {
        signal,
        leastBytes: options.leastBytes,
        onWarning,
      })
      if (obstacle === undefined) {
        copy.mark = await copyHot(copy, signal)
        copies.push(copy)
      } else if (obstacle !== '')
        onWarning(`${obstacle}: its services are down for as long as ${shownPath(tree.root)} takes to be packed`)
    }
  } catch (error) {
    await staging.discard()
    throw error
  }
  const isWhole = copies.length === trees.length
  const prepared = { target, isWhole, [Symbol.asyncDispose]: () => staging.discard() }
  preparations.note(prepared, archive.dir, { finish: (tree) => finishCopy(copies, tree, options) })
  return prepared
}

async function finishCopy(
  copies: TreeCopy[],
  tree: TreeArtifact,
  { signal, onWarning }: PrepareOptions,
): Promise<string | undefined> {
  const copy = copies.find((each) => isDeepStrictEqual(each.tree, tree))
  if (!copy) return undefined
  try {
    await copyRest(copy, signal)
    return copy.folder
  } catch (error) {
    if (signal.aborted || asBackupError(error).code === 'NOT_STILL') throw error
    onWarning(
      `${shownPath(tree.root)} is packed itself, its copy could not be finished: ${asBackupError(error).message}`,
    )
    return undefined
  }
}
