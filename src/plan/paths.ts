import type { ContainerFacts, Mount } from '../engine/engine.ts'
import { locate } from '../engine/host-paths.ts'
import { nearest } from '../labels/nearest.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { isWithin, type Located, outermost } from './mounts.ts'
import { labelProblem } from './problems.ts'

/**
 * Finds the place of each container path on the host, or a problem where it has none. A writable mount below a path belongs to what
 * the path holds in the container, though it lies elsewhere on the host.
 */
export function locatePaths(
  container: ContainerFacts,
  target: string,
  paths: string[],
): { captured: Located[]; problems: LabelProblem[] } {
  const below = usableMounts(container).filter(
    ({ writable, destination }) => writable && paths.some((path) => isWithin(destination, path)),
  )
  const all = [...new Set([...paths, ...below.map(({ destination }) => destination)])]
  const lost = all.filter((path) => !locate(container, path))
  return {
    captured: locateReplaced(container, all),
    problems: lost.map((path) => explainLost(container, target, path)),
  }
}

/** Finds the place of each of these container paths and of nothing else. One that lies on no mount any more is left out. */
export const locateReplaced = (container: ContainerFacts, paths: string[]): Located[] =>
  outermost(
    paths.flatMap((path) => {
      const place = locate(container, path)
      return place ? [{ path, ...place }] : []
    }),
  )

/** The problem of a `files` target without any path to capture. */
export function explainNothing(container: ContainerFacts, target: string): LabelProblem {
  const reason = `there is nothing to capture: ${container.name} has no writable mount with a path on the host; its mounts: ${listMounts(container)}`
  return labelProblem(container, target, 'paths', { reason })
}

function explainLost(container: ContainerFacts, target: string, path: string): LabelProblem {
  const over = container.mounts.find(({ kind, destination }) => kind === 'other' && isWithin(path, destination))
  const cause = over ? describeOver(path, over) : `no mount covers ${path}`
  const usable = usableMounts(container).map(({ destination }) => destination)
  const reason = `${cause}; the mounts of ${container.name}: ${listMounts(container)}`
  return labelProblem(container, target, 'paths', { value: path, reason, suggestion: nearest(path, usable) })
}

function describeOver(path: string, { destination, special }: Mount): string {
  return special ? `${destination} is a ${special}` : `${path} is in ${destination}, which has no path on the host`
}

const usableMounts = ({ mounts }: ContainerFacts): Mount[] => mounts.filter(({ kind }) => kind !== 'other')

function listMounts({ mounts }: ContainerFacts): string {
  return mounts.map(describeMount).toSorted().join(', ') || 'none'
}

function describeMount({ kind, special, name, source, destination, writable }: Mount): string {
  const other = special ? `${special} ${source}` : 'in memory'
  const origin = { volume: `volume ${name ?? source}`, bind: `bind of ${source}`, other }[kind]
  return `${destination} (${origin}${writable ? '' : ', read-only'})`
}
