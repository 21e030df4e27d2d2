import { closeSync, constants, openSync } from 'node:fs'
import { basename } from 'node:path'
import { type OpenRoot, openRoot } from '../../lib/tree/open-root.ts'

/** Something that restic is to see as `DATA`. */
export interface Place extends Disposable {
  tree: OpenRoot
  /** Descriptor of the directory, or of the single file. */
  descriptor: number
}

/** O_PATH of Linux: a descriptor that stands for a file and does not open it. */
const O_PATH = 0o10000000

export function openPlace(root: string): Place {
  const tree = openRoot(root)
  if (tree.kind === 'directory')
    return { tree, descriptor: tree.descriptor, [Symbol.dispose]: () => tree[Symbol.dispose]() }
  const descriptor = openSync(tree.at(basename(root)), O_PATH | constants.O_NOFOLLOW)
  const dispose = () => {
    closeSync(descriptor)
    tree[Symbol.dispose]()
  }
  return { tree, descriptor, [Symbol.dispose]: dispose }
}
