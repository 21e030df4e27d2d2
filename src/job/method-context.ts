import { posix } from 'node:path'
import type { ContainerFacts } from '../engine/engine.ts'
import { execStream, execText } from '../engine/exec.ts'
import { locate } from '../engine/host-paths.ts'
import { BackupError } from '../errors.ts'
import { ANCHOR, refuseLinks } from '../lib/tree/open-root.ts'
import type { MethodContext, StoredSnapshot } from '../methods/method.ts'
import type { Target } from '../plan/plan.ts'
import type { Parts } from './job.ts'
import { joinNetwork } from './join-network.ts'
import { repositoryOf, snapshotRef, type TieredSnapshot } from './repositories.ts'
import { findContainer, refOf } from './service.ts'

const defaultExecSeconds = 60
/** A dump may run for hours. This limit ends one that hangs. */
const streamSeconds = 12 * 3600

/** Builds what a method may use of one container. */
export function methodContext(
  parts: Parts,
  { container, spec, paths }: Pick<Target, 'container' | 'spec' | 'paths'>,
  warn: (text: string) => void,
  signal: AbortSignal,
): MethodContext {
  const { engine, clock, catalog } = parts
  // A systemd unit makes another container with every start, and a method may stop and start it.
  const idNow = async () =>
    container.unit === undefined
      ? container.id
      : ((await findContainer(parts, refOf(container), signal))?.id ?? container.id)
  return {
    container,
    paths,
    signal,
    clock,
    warn,
    exec: async (command, { timeoutSeconds = defaultExecSeconds, ...options } = {}) =>
      execText(engine, await idNow(), { command, timeoutSeconds, ...options }, signal),
    execStream: async (command, { timeoutSeconds = streamSeconds, ...options } = {}) =>
      execStream(engine, await idNow(), { command, timeoutSeconds, ...options }, signal),
    recordUndo: (detail) => {
      const intent = catalog.addIntent({ kind: 'undo-method', container: refOf(container), spec, paths, detail })
      return { [Symbol.dispose]: () => catalog.dropIntent(intent) }
    },
    treeRoot: (containerPath) => resolveHostPath(parts, container, containerPath),
    connect: async () => joinNetwork(parts, await idNow(), signal),
    hostPath: (containerPath) => {
      const root = resolveHostPath(parts, container, containerPath)
      refuseLinks(root)
      return root
    },
  }
}

/**
 * Returns the path under which this process reaches a path of a container. The mount is trusted; what lies below it belongs to the
 * container and stands after an anchor (see lib/tree/open-root.ts). Throws PATH_UNREACHABLE where no mount leads there.
 */
export function resolveHostPath(parts: Parts, container: ContainerFacts, containerPath: string): string {
  const place = locate(container, containerPath)
  if (!place) {
    const hint = 'Put the data on a volume or a bind mount: what lies in the container alone is lost with it.'
    throw new BackupError('PATH_UNREACHABLE', `${containerPath} of ${container.name} is on no mount`, { hint })
  }
  const own = parts.ownPath(place.hostPath)
  const mount = parts.ownPath(place.mount.source)
  if (own !== undefined) return mount === undefined ? own : anchor(mount, own)
  throw new BackupError('PATH_UNREACHABLE', `${place.hostPath} on the host is not visible to the controller`)
}

function anchor(mount: string, path: string): string {
  const inside = posix.relative(mount, path)
  return inside === '' || inside.startsWith('..') ? path : `${mount}${ANCHOR}${inside}`
}

/** Wraps a snapshot in the calls by which `Method.restore` and `Method.prove` read it. */
export function storedSnapshot(
  parts: Parts,
  snapshot: TieredSnapshot,
  options: { signal: AbortSignal; onBytes?: (count: number) => void },
): StoredSnapshot {
  const repository = repositoryOf(parts, snapshotRef(snapshot).tier)
  /** By artifact, the digest of the paths that were put back of it. */
  const digests = new Map<string, string>()
  return {
    id: snapshot.id,
    facts: snapshot.facts,
    artifacts: snapshot.artifacts,
    open: (artifact) => repository.open(snapshot, artifact, options.signal),
    extract: (artifact, to, only) => {
      const onPart = (digest: string) => void digests.set(artifact, digest)
      return repository.extract(snapshot, artifact, to, { ...options, ...(only && { only, onPart }) })
    },
    proveTree: (artifact, root, { skipDevices = [], only } = {}) => {
      const part = only && { only, digest: digests.get(artifact) ?? 'not extracted' }
      return repository.proveTree(snapshot, artifact, root, {
        signal: options.signal,
        skipDevices,
        ...(part && { part }),
      })
    },
  }
}
