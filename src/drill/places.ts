import { posix } from 'node:path'
import type { ContainerFacts, Mount } from '../engine/engine.ts'

/** What a scratch container gets in place of a mount of the original. */
export type Place =
  /** Empty, with owner and mode of the original: the restore fills it. */
  | { kind: 'data'; mount: Mount }
  /** A copy of what lies there, if that is small. */
  | { kind: 'copy'; mount: Mount }
  | { kind: 'memory'; mount: Mount }
  /** Nothing: what is there leads out of the container. */
  | { kind: 'none'; mount: Mount }

/**
 * Decides what takes the place of each mount. Nothing of the original is ever mounted itself, not even to be read: a reader can lock a file
 * too. `data`: the container paths that the snapshots replace.
 */
export function choosePlaces({ mounts }: Pick<ContainerFacts, 'mounts'>, data: string[]): Place[] {
  return mounts.map((mount): Place => {
    if (mount.kind === 'other') return { kind: mount.source === '' && !mount.special ? 'memory' : 'none', mount }
    const holdsData = data.some((path) => covers(mount.destination, path) || covers(path, mount.destination))
    return { kind: holdsData ? 'data' : 'copy', mount }
  })
}

function covers(parent: string, path: string): boolean {
  const relative = posix.relative(parent, path)
  return !relative.startsWith('..')
}

/** What a drill cannot say anything about because of these places. */
export function explainPlaces(places: Place[], empty: ReadonlySet<string>): string[] {
  return places.flatMap(({ kind, mount: { destination, special } }) => {
    if (kind === 'none') return [`${destination} was not there: a drill gives no ${special ?? 'mount of that kind'}`]
    if (kind === 'copy' && empty.has(destination))
      return [`${destination} was empty: it is too large to copy, or not in reach`]
    return []
  })
}
