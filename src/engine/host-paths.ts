import { posix } from 'node:path'
import type { ContainerFacts, Mount } from './engine.ts'

/**
 * The path under which this process reaches a path of the host, through the mounts of its own container; the identity
 * outside a container (`selfMounts` undefined); undefined where no mount leads there.
 */
export function ownPath(selfMounts: Mount[] | undefined, hostPath: string): string | undefined {
  if (!selfMounts) return hostPath
  const leading = selfMounts
    .filter(({ source }) => covers(source, hostPath))
    .sort((a, b) => b.source.length - a.source.length)
  for (const mount of leading) {
    const path = rebase(hostPath, mount.source, mount.destination)
    if (deepest(selfMounts, path) === mount) return path
  }
  return undefined
}

/** The mount that holds a path of the container, and the path on the host; undefined for the image's own file system and tmpfs. */
export function locate(
  container: Pick<ContainerFacts, 'mounts'>,
  containerPath: string,
): { mount: Mount; hostPath: string } | undefined {
  const path = posix.resolve('/', containerPath)
  const mount = deepest(container.mounts, path)
  if (!mount || mount.kind === 'other') return undefined
  return { mount, hostPath: rebase(path, mount.destination, mount.source) }
}

/** Of the mounts that cover a path the deepest is the one that is seen there. */
function deepest(mounts: Mount[], path: string): Mount | undefined {
  return mounts
    .filter(({ destination }) => covers(destination, path))
    .sort((a, b) => b.destination.length - a.destination.length)[0]
}

function covers(parent: string, path: string): boolean {
  return parent === '/' || parent === path || (parent !== '' && path.startsWith(`${parent}/`))
}

function rebase(path: string, from: string, to: string): string {
  return posix.join(to, posix.relative(from, path))
}
