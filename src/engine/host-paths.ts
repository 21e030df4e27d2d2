import { posix } from 'node:path'
import type { ContainerFacts, Mount } from './engine.ts'

/**
 * Finds the path under which this process can read a path of the host, through the mounts of its own container. Outside a container
 * (`selfMounts` is undefined) it is the same path. Answers undefined where no mount leads there.
 */
export function ownPath(selfMounts: Mount[] | undefined, hostPath: string): string | undefined {
  return selfMounts ? leadingMount(selfMounts, hostPath)?.path : hostPath
}

/** Finds the mount by which a path of the host is seen in a container that has these mounts, and the path there. */
export function leadingMount(mounts: Mount[], hostPath: string): { mount: Mount; path: string } | undefined {
  const leading = mounts
    .filter(({ source }) => covers(source, hostPath))
    .sort((a, b) => b.source.length - a.source.length)
  for (const mount of leading) {
    const path = rebase(hostPath, mount.source, mount.destination)
    if (deepest(mounts, path) === mount) return { mount, path }
  }
  return undefined
}

/** Finds the mount that holds a path of the container, and the path on the host. Answers undefined for the image's own files and for tmpfs. */
export function locate(
  container: Pick<ContainerFacts, 'mounts'>,
  containerPath: string,
): { mount: Mount; hostPath: string } | undefined {
  const path = posix.resolve('/', containerPath)
  const mount = deepest(container.mounts, path)
  if (!mount || mount.kind === 'other') return undefined
  return { mount, hostPath: rebase(path, mount.destination, mount.source) }
}

/** Several mounts may cover a path. The deepest of them is the one that a process sees. */
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
