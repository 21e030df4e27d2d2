import { posix } from 'node:path'

/**
 * Of the paths that `--only` asks for, those in the tree that came from `origin`, relative to its root. Absolute ones are meant as in
 * the container, relative ones from the root of the tree. Undefined where all is asked for.
 */
export function pathsWithin(origin: string, only: readonly string[] | undefined): string[] | undefined {
  return only?.flatMap((path) => {
    const inside = posix.isAbsolute(path) ? posix.relative(origin, path) : posix.normalize(path)
    return inside === '..' || inside.startsWith('../') ? [] : [inside.replace(/\/+$/, '') || '.']
  })
}
