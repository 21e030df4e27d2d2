import { posix } from 'node:path'
import { distance } from 'fastest-levenshtein'

/** Names that are shown where a path is not there. */
const shownNames = 3

export type Sought = ReturnType<typeof seek>

/** Looks for one path among the entries of a tree, and keeps the few that come nearest. Memory does not grow with the tree. */
export function seek(wanted: string) {
  let isFound = false
  let near: { path: string; away: number }[] = []
  const most = Math.max(2, Math.floor(wanted.length / 3))
  return {
    wanted,
    isFound: () => isFound,
    nearest: () => near.map(({ path }) => path),
    meet: (path: string) => {
      if (path === wanted) isFound = true
      if (isFound || path === '.') return
      // A file of the same name in another folder was as likely meant as one with a slip in its name.
      const away = posix.basename(path) === posix.basename(wanted) ? 1 : distance(path, wanted)
      if (away > most || (near.length === shownNames && away >= (near.at(-1)?.away ?? 0))) return
      near = [...near, { path, away }].toSorted((a, b) => a.away - b.away).slice(0, shownNames)
    },
  }
}
