import type { ContainerFacts, Mount } from '../engine/engine.ts'

/** A container path and its place on the host. */
export interface Located {
  /** Path in the container. */
  path: string
  hostPath: string
  mount: Mount
}

/**
 * Sorts places and drops those that lie within another one. It compares paths of the host: a mount nested in a captured path is not
 * part of that path's tree on the host and is kept, while the same volume at two container paths is captured once.
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

/** Whether the container can change what lies at the place, through any of its writable mounts. */
export function canWrite(container: ContainerFacts, place: Located): boolean {
  return container.mounts.some((mount) => mount.writable && mount.kind !== 'other' && overlaps(mount, place))
}

function overlaps(mount: Mount, place: Located): boolean {
  if (mount.kind === 'volume' && place.mount.kind === 'volume' && mount.name && mount.name === place.mount.name)
    return true
  return isWithin(place.hostPath, mount.source) || isWithin(mount.source, place.hostPath)
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  const parent = trim(folder)
  return trim(path) === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`)
}

const trim = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.replace(/\/+$/, '') || '/' : path)
