import type { ContainerFacts } from '../engine/engine.ts'
import { standaloneProject } from './plan.ts'

/** Who depends on whom among all containers: compose `depends_on`, podman's `--requires`, shared network namespaces. */
export interface Dependencies {
  /** Dependents before what they depend on; a cycle is cut at one place, all other order holds; the same input gives the same order. */
  inStopOrder(containers: Iterable<ContainerFacts>): ContainerFacts[]
  /** Everything that depends on the container, directly or through others; never itself. */
  dependentsOf(container: ContainerFacts): ContainerFacts[]
}

/** Takes all containers, of every project and state, in any order. */
export function readDependencies(containers: ContainerFacts[]): Dependencies {
  const sorted = sortContainers(containers)
  const dependencies = new Map(sorted.map((one) => [one.id, sorted.filter((other) => dependsOn(one, other))]))
  const rank = new Map(dependenciesFirst(sorted.toReversed(), dependencies).map(({ id }, index) => [id, index]))
  const rankOf = ({ id }: ContainerFacts) => rank.get(id) ?? -1
  return {
    inStopOrder: (some) => [...some].sort((a, b) => rankOf(b) - rankOf(a)),
    dependentsOf: (container) => reachableFrom(container, (one) => sorted.filter((other) => dependsOn(other, one))),
  }
}

function dependsOn(one: ContainerFacts, other: ContainerFacts): boolean {
  if (one.id === other.id) return false
  if (one.requires.includes(other.id) || one.joins === other.id) return true
  return other.service !== undefined && one.project === other.project && one.dependsOn.includes(other.service)
}

/** Depth first: what finishes first depends on nothing that finishes later, unless both are in one cycle. */
function dependenciesFirst(
  containers: ContainerFacts[],
  dependencies: ReadonlyMap<string, ContainerFacts[]>,
): ContainerFacts[] {
  const visited = new Set<string>()
  const finished: ContainerFacts[] = []
  const visit = (one: ContainerFacts): void => {
    if (visited.has(one.id)) return
    visited.add(one.id)
    for (const dependency of dependencies.get(one.id) ?? []) visit(dependency)
    finished.push(one)
  }
  containers.forEach(visit)
  return finished
}

/** All that the start leads to, step by step, without the start. */
export function reachableFrom(
  start: ContainerFacts,
  step: (from: ContainerFacts) => ContainerFacts[],
): ContainerFacts[] {
  const found = new Map([[start.id, start]])
  for (const from of found.values()) for (const to of step(from)) if (!found.has(to.id)) found.set(to.id, to)
  found.delete(start.id)
  return [...found.values()]
}

/** By project and name, so that what follows from a list does not hang on the order of the engine's answer. */
export function sortContainers(containers: ContainerFacts[]): ContainerFacts[] {
  return containers.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

const sortKey = ({ project = standaloneProject, name }: ContainerFacts): string => `${project}/${name}`
