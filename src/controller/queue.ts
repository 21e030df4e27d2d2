import type { Clock } from '../lib/clock.ts'

/** Something to be done once what it needs is free. */
export interface Work {
  /** The keys name what it is done for. While any of them is active, no other work with it is added. */
  keys: string[]
  /** It needs these for itself alone: work that needs the same is never done at the same time. */
  needs: string[]
  /**
   * Does the work. Resolves to false where it could not begin, because another process holds what it needs: it is then tried again
   * later. MUST NOT reject.
   */
  run(): Promise<boolean>
}

/**
 * Does work in the order in which it was added, a limited amount at once. Work whose needs are taken takes no place: others are done
 * meanwhile, but none that needs the same and came later, so that nothing waits for ever.
 */
export interface Queue {
  /** Adds work. Answers false, and adds nothing, while any of its keys is active. */
  add(work: Work): boolean
  /** The keys of the work that waits or is done. */
  active(): ReadonlySet<string>
  /** Drops the work that has not begun, and resolves when the rest has ended. */
  drain(): Promise<void>
}

/** How long work rests that another process did not let begin. Then it is tried again. */
const restMs = 5000

/** Work in the queue. While it rests, it keeps nothing from later work. */
interface Entry extends Work {
  state: 'waiting' | 'running' | 'resting'
}

export function createQueue(clock: Clock, concurrency: number): Queue {
  const drained = new AbortController()
  const active = new Set<string>()
  const running = new Set<Promise<void>>()
  /** In the order in which they were added, until they are done. */
  const entries: Entry[] = []

  const begin = () => {
    const taken = new Set(entries.filter(({ state }) => state === 'running').flatMap(({ needs }) => needs))
    for (const entry of entries.filter(({ state }) => state === 'waiting')) {
      if (running.size >= concurrency) return
      const isFree = entry.needs.every((need) => !taken.has(need))
      for (const need of entry.needs) taken.add(need)
      if (isFree) start(entry)
    }
  }
  const start = (entry: Entry) => {
    entry.state = 'running'
    const ended = carryOut(entry).finally(() => {
      running.delete(ended)
      begin()
    })
    running.add(ended)
  }
  const carryOut = async (entry: Entry) => {
    if ((await entry.run()) || drained.signal.aborted) remove(entry)
    else void rest(entry)
  }
  const rest = async (entry: Entry) => {
    entry.state = 'resting'
    await clock.sleep(restMs, drained.signal).catch(() => undefined)
    entry.state = 'waiting'
    begin()
  }
  const remove = (entry: Entry) => {
    entries.splice(entries.indexOf(entry), 1)
    for (const key of entry.keys) active.delete(key)
  }
  return {
    add(work) {
      if (work.keys.some((key) => active.has(key))) return false
      for (const key of work.keys) active.add(key)
      entries.push({ ...work, state: 'waiting' })
      begin()
      return true
    },
    active: () => active,
    async drain() {
      for (const entry of entries.filter(({ state }) => state !== 'running')) remove(entry)
      drained.abort()
      await Promise.all(running)
    },
  }
}
