import { lstatSync } from 'node:fs'
import { openRoot } from './open-root.ts'

/**
 * The part of a path at which a tree that lacks something begins to differ from one that has it all: its first component that is no
 * folder, be it missing, a link or a file; else the path itself. To bring back that part brings back the absence of the rest.
 */
export function reachOf(root: string, path: string): string {
  using tree = openRoot(root)
  if (tree.kind === 'file' || path === '.') return path
  const names = path.split('/')
  for (let count = 1; count < names.length; count++) {
    const way = names.slice(0, count).join('/')
    if (!lstatSync(tree.at(way), { throwIfNoEntry: false })?.isDirectory()) return way
  }
  return path
}
