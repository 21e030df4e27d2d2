import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerFacts, EngineEvent, ScratchThing } from '../../src/engine/engine.ts'

/** Everything that a fake engine knows. It is plain JSON, so that it can lie in a file. */
export interface World {
  containers: StoredContainer[]
  /** Networks that a container can join. */
  networks: string[]
  /** Volumes and networks of drills. */
  scratch: ScratchThing[]
  /** Every act that changed something, in order: `stop redis`, `exec redis redis-cli SAVE`. */
  journal: string[]
  /** Every event since the beginning. */
  events: EngineEvent[]
  /** What the units that are stopped run, by the name of the unit. */
  units: Record<string, StoredContainer>
  /** Counts containers and starts: ids and start times are made of it. */
  count: number
}

export interface StoredContainer extends Omit<ContainerFacts, 'environment'> {
  environment: Record<string, string>
  /** Its process does not end by SIGTERM: a stop answers 137. */
  ignoresTerm: boolean
  /** Its process takes its time to end: see `FakeContainer`. */
  endsSlowly: boolean
}

/** Where a fake engine keeps its world. */
export interface WorldStore extends Disposable {
  /** The world as it is now. The caller MUST NOT change it. */
  read(): World
  /** Nobody else changes the world meanwhile. A process that is killed in here leaves the world as it was. */
  update<T>(change: (world: World) => T): T
  /** Settles when the world may have changed since the last `read`, or with the signal. */
  awaitChange(signal: AbortSignal): Promise<void>
}

const emptyWorld = (): World => ({
  containers: [],
  networks: [],
  scratch: [],
  journal: [],
  events: [],
  units: {},
  count: 0,
})

/** A world that only this process sees and that ends with it. */
export function memoryWorld(): WorldStore {
  const world = emptyWorld()
  let change = Promise.withResolvers<void>()
  return {
    read: () => world,
    update(apply) {
      const result = apply(world)
      change.resolve()
      change = Promise.withResolvers()
      return result
    },
    async awaitChange(signal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (!signal.aborted) await Promise.race([change.promise, promise])
    },
    [Symbol.dispose]: () => {},
  }
}

const lookEveryMs = 20

/**
 * A world in the file at `path`, which is made where there is none. Every process that opens the file is in the same
 * world, and a process that is killed leaves it to the next one. SQLite gives the lock and the atomic write.
 */
export function fileWorld(path: string): WorldStore {
  const database = new DatabaseSync(path, { timeout: 10_000 })
  // Only the machine's own end could lose a write that is not synced, and no test looks at that.
  database.exec('PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS world (document TEXT NOT NULL) STRICT')
  const read = (): World => {
    const row = database.prepare('SELECT document FROM world').get()
    return row ? JSON.parse(String(row.document)) : emptyWorld()
  }
  return {
    read,
    update(apply) {
      database.exec('BEGIN IMMEDIATE')
      try {
        const world = read()
        const result = apply(world)
        database.exec('DELETE FROM world')
        database.prepare('INSERT INTO world VALUES (?)').run(JSON.stringify(world))
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    awaitChange: (signal) => sleep(lookEveryMs, undefined, { signal }).catch(() => undefined),
    [Symbol.dispose]: () => database.close(),
  }
}
