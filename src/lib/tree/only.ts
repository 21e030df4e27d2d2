import { posix } from 'node:path'

/**
 * Answers which paths of the tree that came from `origin` were asked for, relative to its root, or undefined where all were. An
 * absolute path in `only` is one in the container, a relative one begins at the root of the tree.
 */
export function pathsWithin(origin: string, only: readonly string[] | undefined): string[] | undefined {
  return only?.flatMap((path) => {
    const inside = posix.isAbsolute(path) ? posix.relative(origin, path) : posix.normalize(path)
    return inside === '..' || inside.startsWith('../') ? [] : [inside.replace(/\/+$/, '') || '.']
  })
}
