import type { ContainerFacts, Engine, EngineEvent } from '../../src/engine/engine.ts'
import { type ActOptions, endStops, existing, find, makeActs, refused } from './engine-acts.ts'
import { type FakeCommand, runCommand } from './engine-command.ts'
import { type ScratchOptions, scratchActs } from './engine-scratch.ts'
import { memoryWorld, type StoredContainer, type WorldStore } from './engine-world.ts'

export type { FakeAnswer, FakeCall, FakeCommand } from './engine-command.ts'

/** A container as a test describes it; all but the name has a default. */
export interface FakeContainer extends Partial<Omit<ContainerFacts, 'environment'>> {
  name: string
  environment?: Record<string, string>
  /** Its process does not end by SIGTERM: a stop answers 137. Default false. */
  ignoresTerm?: boolean
  /**
   * Its process takes its time to end: once a stop has begun it is `stopping`, until a caller of `stop` has waited for `stopMs`. One that
   * has left or died in that time leaves the stop under way. Default false.
   */
  endsSlowly?: boolean
}

export interface FakeEngine extends Engine {
  /** Adds a container, which runs unless it says otherwise. */
  add(container: FakeContainer): ContainerFacts
  /** As `podman rm --force`. */
  remove(id: string): void
  /** Sets health, mounts and so on from now on. */
  change(id: string, facts: Partial<Omit<ContainerFacts, 'environment'>>): void
  /** Lets time pass: every stop that is under way comes to its end, though nobody waits for it. */
  endStops(): void
  emit(event: EngineEvent): void
  /** Every act that changed something, in order: `stop redis`, `exec redis redis-cli SAVE`. */
  readonly journal: string[]
}

export interface FakeEngineOptions extends ActOptions, ScratchOptions {
  /** Added to what is in the world already. */
  containers?: FakeContainer[]
  /** Networks that a container can join, added to those of the world. */
  networks?: string[]
  commands?: FakeCommand[]
  /** Labels of images by image id. */
  images?: Record<string, Record<string, string>>
  /** Where containers live. Default: the memory of this process. */
  world?: WorldStore
}

/**
 * An engine without containers behind it. It refuses what a real one refuses: a command in a container that does not
 * run, an act on one that is not there.
 */
export function fakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const { world: store = memoryWorld(), commands = [], networks = [], containers = [] } = options
  const never = new AbortController().signal
  const engine: FakeEngine = {
    get journal() {
      return store.read().journal
    },
    emit: (event) => store.update(({ events }) => void events.push(event)),
    add: (container) =>
      store.update((world) => {
        world.count += 1
        const stored = makeContainer(container, world.count)
        world.containers.push(stored)
        return factsOf(stored)
      }),
    remove: (id) =>
      store.update((world) => {
        const facts = existing(world, id, never)
        world.containers.splice(world.containers.indexOf(facts), 1)
        world.events.push({ action: 'remove', containerId: facts.id })
      }),
    endStops: () => store.update(endStops),
    change: (id, changes) => store.update((world) => void Object.assign(existing(world, id, never), changes)),

    ...makeActs(store, options),
    ...scratchActs(store, options, (container) => engine.add(container)),
    info: async () => ({ name: 'podman', version: '4.3.1' }),
    hostName: async () => 'machine',
    isRootless: async () => false,
    list: async (signal) => {
      signal.throwIfAborted()
      return store.read().containers.map(factsOf)
    },
    inspect: async (id, signal) => {
      signal.throwIfAborted()
      const stored = find(store.read(), id)
      return stored && factsOf(stored)
    },
    imageLabels: async (id) => options.images?.[id] ?? {},
    exec: async (id, request, signal) => {
      const container = store.update((world) => {
        const facts = existing(world, id, signal)
        if (facts.state !== 'running') throw refused(`exec in ${id}`, `is ${facts.state}`)
        world.journal.push(`exec ${facts.name} ${request.command.join(' ')}`)
        return factsOf(facts)
      })
      return runCommand(commands, container, request, signal)
    },
    events: (signal) => listen(store, signal),
  }
  if (networks.length > 0) store.update((world) => void world.networks.push(...networks))
  for (const container of containers) engine.add(container)
  return engine
}

function makeContainer({ environment = {}, ...given }: FakeContainer, number: number): StoredContainer {
  return {
    id: number.toString(16).padStart(64, '0'),
    engine: 'podman',
    oneoff: false,
    image: 'localhost/example:latest',
    imageId: `sha256:${'a'.repeat(64)}`,
    labels: {},
    state: 'running',
    health: 'none',
    exitCode: 0,
    startedAt: new Date(number * 1000).toISOString(),
    user: '',
    environment,
    mounts: [],
    networks: [],
    dependsOn: [],
    requires: [],
    ignoresTerm: false,
    endsSlowly: false,
    ...given,
  }
}

/** A copy: later changes of the world do not show in it. */
function factsOf({ ignoresTerm: _, endsSlowly: __, environment, ...facts }: StoredContainer): ContainerFacts {
  return { ...facts, environment: new Map(Object.entries(environment)) }
}

async function* listen(store: WorldStore, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  let told = store.read().events.length
  yield { action: 'resync', containerId: '' }
  while (!signal.aborted) {
    const news = store.read().events.slice(told)
    told += news.length
    if (news.length > 0) yield* news
    else await store.awaitChange(signal)
  }
}
