import type { ContainerFacts } from '../engine/engine.ts'
import { standaloneProject } from './plan.ts'

/** The dependencies among all containers: compose's `depends_on`, Podman's `--requires` and shared network namespaces. */
export interface Dependencies {
  /** Orders dependents before what they depend on. A cycle is cut at one place. The same input always gives the same order. */
  inStopOrder(containers: Iterable<ContainerFacts>): ContainerFacts[]
  /** Everything that depends on the container, directly or through others, without the container itself. */
  dependentsOf(container: ContainerFacts): ContainerFacts[]
}

/** Reads the dependencies of all containers, of every project and state, in any order. */
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

/** Walks depth first: a container that finishes depends on nothing that finishes later, unless both are in one cycle. */
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

/** Everything that repeated steps lead to from the start, without the start itself. */
export function reachableFrom(
  start: ContainerFacts,
  step: (from: ContainerFacts) => ContainerFacts[],
): ContainerFacts[] {
  const found = new Map([[start.id, start]])
  for (const from of found.values()) for (const to of step(from)) if (!found.has(to.id)) found.set(to.id, to)
  found.delete(start.id)
  return [...found.values()]
}

/** Sorts by project and name, so that no decision depends on the order of the engine's answer. */
export function sortContainers(containers: ContainerFacts[]): ContainerFacts[] {
  return containers.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

const sortKey = ({ project = standaloneProject, name }: ContainerFacts): string => `${project}/${name}`
