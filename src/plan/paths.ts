import type { ContainerFacts, Mount } from '../engine/engine.ts'
import { nearest } from '../labels/nearest.ts'
import type { LabelProblem } from '../labels/spec.ts'
import { coveringMount, type Located, locate, outermost } from './mounts.ts'
import { labelProblem } from './problems.ts'

/** Container paths as places on the host, or a problem for each that has none. */
export function locatePaths(
  container: ContainerFacts,
  target: string,
  paths: string[],
): { captured: Located[]; problems: LabelProblem[] } {
  const places = paths.map((path) => locate(container, path))
  const lost = paths.filter((_, index) => places[index] === undefined)
  return {
    captured: outermost(places.filter((place) => place !== undefined)),
    problems: lost.map((path) => explainLost(container, target, path)),
  }
}

/** Files without any place to take them from. */
export function explainNothing(container: ContainerFacts, target: string): LabelProblem {
  const reason = `there is nothing to capture: ${container.name} has no writable mount with a path on the host; its mounts: ${listMounts(container)}`
  return labelProblem(container, target, 'paths', { reason })
}

function explainLost(container: ContainerFacts, target: string, path: string): LabelProblem {
  const over = coveringMount(container, path)
  const cause = over ? `${path} is in ${over.destination}, which has no path on the host` : `no mount covers ${path}`
  const usable = container.mounts.filter(({ kind }) => kind !== 'other').map(({ destination }) => destination)
  const reason = `${cause}; the mounts of ${container.name}: ${listMounts(container)}`
  return labelProblem(container, target, 'paths', { value: path, reason, suggestion: nearest(path, usable) })
}

function listMounts({ mounts }: ContainerFacts): string {
  return mounts.map(describeMount).toSorted().join(', ') || 'none'
}

function describeMount({ kind, name, source, destination, writable }: Mount): string {
  const origin = { volume: `volume ${name ?? source}`, bind: `bind of ${source}`, other: 'in memory' }[kind]
  return `${destination} (${origin}${writable ? '' : ', read-only'})`
}
