import type { ContainerFacts, Mount } from '../engine/engine.ts'

/** Where a container path lies on the host. */
export interface Located {
  /** Path in the container. */
  path: string
  hostPath: string
  mount: Mount
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
export function isWithin(path: string, folder: string): boolean {
  const parent = trim(folder)
  return trim(path) === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`)
}

const trim = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') || '/' : path)
