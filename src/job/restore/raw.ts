import type { ContainerFacts } from '../../engine/engine.ts'
import { locate } from '../../engine/host-paths.ts'
import { BackupError } from '../../errors.ts'
import { rootExists } from '../../lib/tree/open-root.ts'
import { type Located, outermost } from '../../plan/mounts.ts'
import { locatePaths } from '../../plan/paths.ts'
import type { PlanSettings, Target } from '../../plan/plan.ts'
import { findQuiesced } from '../../plan/quiesced.ts'
import { isController } from '../../plan/scope.ts'
import { findUnknownWriters } from '../../plan/unreadable.ts'
import type { Snapshot } from '../../repository/repository.ts'
import { methodOf } from '../capture.ts'
import type { Parts } from '../job.ts'
import { resolveHostPath } from '../method-context.ts'

/** The target as the method `files` sees it, for its data paths as they lie on disk. A restore without a stop has no stop here either. */
export function asRaw(target: Target, paths: string[], exclude: string[] = []): Target {
  const { spec } = target
  const quiesce = spec.method === 'files' && spec.quiesce === 'none' ? 'none' : 'stop'
  return { ...target, paths, spec: { ...spec, method: 'files', options: {}, quiesce, exclude } }
}

/**
 * The container paths that a raw safety snapshot of the target holds. `snapshot` is the one that is to be restored. PATH_UNREACHABLE where
 * the service keeps its data on no mount.
 */
export function rawPaths(parts: Parts, target: Target, snapshot: Snapshot): string[] {
  if (snapshot.raw) return snapshot.artifacts.flatMap(({ origin }) => origin ?? [])
  const { container } = target
  const named = namedPlaces(parts, target, snapshot)
  const found = named.length > 0 ? named : anyPlaces(target)
  if (found.length === 0) throw new BackupError('PATH_UNREACHABLE', `the data of ${container.name} lies on no mount`)
  // A server may have lost its folder, and makes it anew: what is mounted is there in any case.
  const isThere = ({ path }: Located) => rootExists(resolveHostPath(parts, container, path))
  const { needsRunning } = methodOf(parts, target.spec)
  return outermost(found.map((one) => (needsRunning && !isThere(one) ? atMount(one) : one))).map(({ path }) => path)
}

/** The data paths that the method names, as far as they are mounted, and the mounts below them. */
export function namedPlaces(parts: Parts, { name, container, spec, paths }: Target, { facts }: Snapshot): Located[] {
  const named = (methodOf(parts, spec).dataPaths?.(spec, container, facts) ?? paths).filter((path) => path !== '')
  return locatePaths(container, name, named).captured.filter(({ mount }) => mount.writable)
}

/** Every writable mount: one of them has the data of a service that keeps it where nobody expects it. */
function anyPlaces({ name, container }: Target): Located[] {
  const mounts = container.mounts.filter(({ writable, kind }) => writable && kind !== 'other')
  const paths = mounts.map(({ destination }) => destination)
  return locatePaths(container, name, paths).captured
}

const atMount = ({ mount }: Located): Located => ({ path: mount.destination, hostPath: mount.source, mount })

/**
 * Finds running containers that may write below the paths while the service itself is down. Nobody holds them: the plan of a method
 * that asks its server has no paths. The containers MUST be those of `currentPlan`: labels of images may not count.
 */
export function otherWriters(
  containers: ContainerFacts[],
  { container, paths }: Pick<Target, 'container' | 'paths'>,
  settings: PlanSettings,
): string[] {
  const places = paths.flatMap((path) => {
    const located = locate(container, path)
    return located ? [{ path, ...located }] : []
  })
  const others = containers.filter((one) => !isController(one, settings))
  // The service itself is down, and for a pause no container counts that only depends on a writer.
  const writers = findQuiesced(others, { container, quiesce: 'pause', needsRunning: true, captured: places })
  return [...writers, ...findUnknownWriters(others)].map(({ name }) => name)
}
