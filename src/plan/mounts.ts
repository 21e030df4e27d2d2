import { join, relative } from 'node:path/posix'
import type { ContainerFacts, Mount } from '../engine/engine.ts'

/** Where a container path lies on the host. */
export interface Located {
  /** Path in the container. */
  path: string
  hostPath: string
  mount: Mount
}

/** Through the innermost mount over the path; undefined where that is none, or one without a path on the host (tmpfs). */
export function locate(container: ContainerFacts, path: string): Located | undefined {
  const mount = coveringMount(container, path)
  if (!mount || mount.kind === 'other') return undefined
  return { path, hostPath: trim(join(mount.source, relative(mount.destination, path))), mount }
}

/** The innermost mount over a container path, of whatever kind. */
export function coveringMount(container: ContainerFacts, path: string): Mount | undefined {
  return container.mounts
    .filter((mount) => isWithin(path, mount.destination))
    .toSorted((a, b) => trim(b.destination).length - trim(a.destination).length)[0]
}

/**
 * Sorted, without those whose data another one holds already. Judged by host paths: a mount nested in a captured path is not part of
 * the host tree of that path and stays, while the same volume seen at two container paths is captured once.
 */
export function outermost(located: Located[]): Located[] {
  const sorted = located.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return sorted.filter(
    (one, index) =>
      !sorted.some((other, at) =>
        other.hostPath === one.hostPath ? at < index : isWithin(one.hostPath, other.hostPath),
      ),
  )
}

/** Can the container change what lies at the place, through any of its writable mounts? */
export function canWrite(container: ContainerFacts, place: Located): boolean {
  return container.mounts.some((mount) => mount.writable && mount.kind !== 'other' && overlaps(mount, place))
}

function overlaps(mount: Mount, place: Located): boolean {
  if (mount.kind === 'volume' && place.mount.kind === 'volume' && mount.name && mount.name === place.mount.name)
    return true
  return isWithin(place.hostPath, mount.source) || isWithin(mount.source, place.hostPath)
}

/** `path` is `folder` or lies in it. */
function isWithin(path: string, folder: string): boolean {
  const parent = trim(folder)
  return trim(path) === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`)
}

const trim = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') || '/' : path)
