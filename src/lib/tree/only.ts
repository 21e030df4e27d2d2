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

/** Whether `path` is `top` or lies below it. `.` is the root of the tree. */
export const isAtOrBelow = (path: string, top: string): boolean =>
  top === '.' || path === top || path.startsWith(`${top}/`)

/** Whether a path was asked for, lies below one that was, or is a folder on the way to one. `only` is relative to the root. */
export const isOnWay = (path: string, only: readonly string[]): boolean =>
  only.some((top) => isAtOrBelow(path, top) || isAtOrBelow(top, path))
