import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerFacts, Engine } from '../../src/engine/engine.ts'
import { BackupError } from '../../src/errors.ts'
import type { StoredContainer, World, WorldStore } from './engine-world.ts'

export interface ActOptions {
  /**
   * A stop of what is stopped and a start of what runs throw: for code that must look before it acts. Default false.
   */
  forbidIdleActs?: boolean
  /** Stop and start take effect at once, and answer after so many milliseconds. Default 0. */
  answerMs?: number
  /** How long a caller waits at most for the end of a stop that is slow (`FakeContainer.endsSlowly`). Default 0. */
  stopMs?: number
  /** Is called when such a stop is under way. */
  onStopping?: () => void
}

/** How often a caller looks whether a slow stop is over. */
const lookMs = 50

type Acts = Pick<Engine, 'stop' | 'start' | 'pause' | 'unpause' | 'connectNetwork' | 'disconnectNetwork'>

/** What an engine does to a container. Each act is one update of the world. */
export function makeActs(store: WorldStore, options: ActOptions): Acts {
  const { forbidIdleActs = false, answerMs = 0, stopMs = 0, onStopping = () => {} } = options
  const update = <T>(id: string, signal: AbortSignal, change: (facts: StoredContainer, world: World) => T): T =>
    store.update((world) => change(existing(world, id, signal), world))
  const isIdle = (verb: string, facts: StoredContainer, idle: boolean) => {
    if (idle && forbidIdleActs) throw new Error(`rule broken: ${verb} of ${facts.name}, which is ${facts.state}`)
    return idle
  }
  const answer = async <T>(result: T): Promise<T> => {
    if (answerMs > 0) await sleep(answerMs)
    return result
  }
  const startNow = (facts: StoredContainer, world: World, signal: AbortSignal) => {
    if (facts.state === 'paused' || facts.state === 'stopping')
      throw refused(`start ${facts.name}`, `is ${facts.state}`)
    if (isIdle('start', facts, facts.state === 'running')) return
    for (const id of facts.requires) {
      const other = existing(world, id, signal)
      if (other.state !== 'running') startNow(other, world, signal)
    }
    world.count += 1
    act(world, facts, 'start', { state: 'running', startedAt: new Date(world.count * 1000).toISOString() })
  }
  const begin = (facts: StoredContainer) => {
    const isSlow = facts.endsSlowly && isUp(facts)
    if (isSlow) facts.state = 'stopping'
    return isSlow
  }
  /** Another caller may have waited for the end of the same stop, and may have started the container again. */
  const endSlow = (facts: StoredContainer, world: World) => {
    if (facts.state === 'stopping') end(facts, world)
    return facts.exitCode
  }
  const awaitEnd = async (id: string, signal: AbortSignal) => {
    onStopping()
    const isOver = () => find(store.read(), id)?.state !== 'stopping'
    for (let left = stopMs; left > 0 && !isOver(); left -= lookMs)
      await sleep(Math.min(left, lookMs), undefined, { signal }).catch(() => signal.throwIfAborted())
    return update(id, signal, endSlow)
  }
  const stopNow = (facts: StoredContainer, world: World) => {
    if (!isIdle('stop', facts, !isUp(facts))) end(facts, world)
    return facts.exitCode
  }
  return {
    stop: async (id, _graceSeconds, signal) => {
      const isSlow = update(id, signal, begin)
      return answer({ exitCode: isSlow ? await awaitEnd(id, signal) : update(id, signal, stopNow) })
    },
    start: async (id, signal) => answer(update(id, signal, (facts, world) => startNow(facts, world, signal))),
    pause: async (id, signal) =>
      update(id, signal, (facts, world) => {
        if (!isUp(facts) || facts.state === 'stopping') throw refused(`pause ${id}`, 'is not running')
        if (!isIdle('pause', facts, facts.state === 'paused')) act(world, facts, 'pause', { state: 'paused' })
      }),
    unpause: async (id, signal) =>
      update(id, signal, (facts, world) => {
        if (!isIdle('unpause', facts, facts.state !== 'paused')) act(world, facts, 'unpause', { state: 'running' })
      }),
    connectNetwork: async (name, id, signal) =>
      update(id, signal, (facts, world) => {
        const isScratch = world.scratch.some((thing) => thing.kind === 'network' && thing.name === name)
        if (!world.networks.includes(name) && !isScratch) throw refused(`connect ${id}`, `finds no network ${name}`)
        if (facts.networks.some((network) => network.name === name)) return
        const networks = [...facts.networks, { name, address: '10.0.0.2' }]
        act(world, facts, `connect ${name}`, { networks }, 'connect')
      }),
    disconnectNetwork: async (name, id, signal) =>
      update(id, signal, (facts, world) => {
        const networks = facts.networks.filter((network) => network.name !== name)
        if (networks.length < facts.networks.length) act(world, facts, `disconnect ${name}`, { networks }, 'disconnect')
      }),
  }
}

function end(facts: StoredContainer, world: World): void {
  const ended = { state: 'stopped', exitCode: facts.ignoresTerm ? 137 : 0, health: 'none' } as const
  act(world, facts, 'stop', ended, 'die')
  if (facts.autoRemove) world.containers.splice(world.containers.indexOf(facts), 1)
}

/** See `FakeEngine.endStops`. */
export function endStops(world: World): void {
  for (const facts of world.containers.filter(({ state }) => state === 'stopping')) end(facts, world)
}

/** Changes a container, notes that in the journal and tells of it. */
function act(
  world: World,
  facts: StoredContainer,
  verb: string,
  after: Partial<ContainerFacts>,
  action: string = verb,
): void {
  world.journal.push(`${verb} ${facts.name}`)
  Object.assign(facts, after)
  world.events.push({ action, containerId: facts.id })
}

/** By id or name. */
export const find = ({ containers }: World, id: string): StoredContainer | undefined =>
  containers.find((facts) => facts.id === id || facts.name === id)

/** NO_SUCH_CONTAINER where there is none. */
export function existing(world: World, id: string, signal: AbortSignal): StoredContainer {
  signal.throwIfAborted()
  const facts = find(world, id)
  if (!facts) throw new BackupError('NO_SUCH_CONTAINER', `no such container: ${id}`)
  return facts
}

const isUp = ({ state }: StoredContainer): boolean => ['running', 'paused', 'stopping'].includes(state)

/** What Podman answers to an act that the container's state does not allow. */
export const refused = (what: string, why: string): BackupError =>
  new BackupError('ENGINE_FAILED', `${what}: HTTP 500: the container ${why}`)
