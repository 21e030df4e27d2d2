import type { ContainerFacts } from '../engine/engine.ts'
import type { MethodKind } from '../labels/spec.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import type { ArtifactRecord, Snapshot } from '../repository/repository.ts'
import { placeOf, startLines, stopLines } from './containers.ts'
import { quote } from './quote.ts'
import { mariadb, mongodb, postgres, qdrant, redis } from './servers.ts'

/** The lines of the shell that put a target back from its newest backup. `controllers`: names of those that are down all the while. */
export function linesOf(target: Target, newest: Snapshot, controllers: readonly string[]): string[] {
  const key = quote(targetKey(target))
  const { container } = target
  const down = downFor(target).filter(({ name }) => !controllers.includes(name))
  const own = { target, key, container, artifacts: newest.artifacts, facts: newest.facts }
  return [`prove ${key}`, ...stopLines(down), ...restoreLines[target.spec.method](own), ...startLines(down)]
}

/** What the lines of one method are made from. */
export interface Putting {
  target: Target
  /** The target as a word of the shell. */
  key: string
  container: ContainerFacts
  artifacts: ArtifactRecord[]
  facts: Snapshot['facts']
}

/** Clients first. A server that loads a dump has to run itself. */
function downFor({ spec, clients, writers, container }: Target): ContainerFacts[] {
  const isLoaded = ['postgres', 'mariadb', 'mongodb', 'qdrant'].includes(spec.method)
  const others = [...clients, ...(isLoaded ? writers.filter(({ id }) => id !== container.id) : writers)]
  const all = isLoaded ? others : [...others.filter(({ id }) => id !== container.id), container]
  return all.filter(({ id, state }, index) => {
    const isFirst = all.findIndex((other) => other.id === id) === index
    return isFirst && (state === 'running' || id === container.id)
  })
}

/** A tree replaces all that lies in its folder, except where something was left out of it. */
function trees({ key, container, artifacts }: Putting): string[] {
  return artifacts.flatMap(({ name, origin = '/', isFile, exclude = [] }) => {
    const place = placeOf(container, origin)
    if (isFile) return [`unpack_file ${key} ${quote(name)} ${place}`]
    const clear =
      exclude.length > 0
        ? `# What was left out of the backup stays as it is: ${quote(exclude.join(', '))}`
        : `find ${place} -xdev -mindepth 1 -delete`
    return [`mkdir -p ${place}`, clear, `unpack ${key} ${quote(name)} ${place}`]
  })
}

/** Side files of the old database would be taken for the new one's own. */
function sqlite({ key, container, artifacts, facts }: Putting): string[] {
  const paths = facts.paths as Record<string, unknown>
  return artifacts.flatMap(({ name }) => {
    const place = placeOf(container, String(paths?.[name] ?? `/${name}`))
    return [`rm -f ${place}-wal ${place}-shm ${place}-journal`, `dump ${key} ${quote(name)} >${place}`]
  })
}

const restoreLines: Record<MethodKind, (putting: Putting) => string[]> = {
  files: trees,
  victoriametrics: trees,
  sqlite,
  redis,
  postgres,
  mariadb,
  mongodb,
  qdrant,
}
