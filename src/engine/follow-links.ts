import type { Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { posix } from 'node:path'

/** Finds the path under which this process reads a path of the host; undefined where no mount leads there. */
export type OwnPath = (hostPath: string) => string | undefined

/** A path of the host behind all symbolic links. */
export interface Followed {
  /** A part that is missing, or cannot be seen from here, stands in it as it was given. */
  path: string
  /** They say what the path is, where that is no directory and can be seen. */
  stats?: Stats
}

/** Symbolic links may lead through one another, as `/var/run` leads to `/run`. */
const mostLinks = 40

/**
 * Follows the symbolic links of a path of the host by hand, because they mean paths of the host, and this process sees the host below a
 * folder of its own. Nothing below `away`, paths of this process, is looked at. Answers undefined where the links lead in a circle.
 */
export async function followLinks(
  hostPath: string,
  ownPath: OwnPath,
  away: readonly string[] = [],
): Promise<Followed | undefined> {
  let path = hostPath
  for (let links = 0; links <= mostLinks; links++) {
    const found = await firstNoFolder(path, ownPath, away)
    if (!found) return { path }
    const { at, own, stats } = found
    if (!stats.isSymbolicLink()) return path === at ? { path, stats } : { path }
    const target = await readlink(own).catch(() => '')
    path = posix.join(posix.resolve(posix.dirname(at), target), posix.relative(at, path))
  }
  return undefined
}

/** The first component of a path that is no directory. */
async function firstNoFolder(path: string, ownPath: OwnPath, away: readonly string[]) {
  const parts = path.split('/')
  for (let count = 2; count <= parts.length; count++) {
    const at = parts.slice(0, count).join('/')
    const own = ownPath(at)
    if (own === undefined) continue
    if (away.some((mount) => own === mount || own.startsWith(`${mount}/`))) return undefined
    const stats = await lstat(own).catch(() => undefined)
    if (!stats) return undefined
    if (!stats.isDirectory()) return { at, own, stats }
  }
  return undefined
}
