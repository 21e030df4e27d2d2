/** Runs jobs under keys in the order in which they were added, a limited number at once. The others wait. */
export interface Queue {
  /** Adds a job. Answers false, and adds nothing, while any of its keys is active. `job` MUST NOT reject. */
  add(keys: string[], job: () => Promise<void>): boolean
  /** The keys of the jobs that wait or run. */
  active(): ReadonlySet<string>
  /** Drops the jobs that have not begun, and resolves when the others have ended. */
  drain(): Promise<void>
}

export function createQueue(concurrency: number): Queue {
  const active = new Set<string>()
  const running = new Set<Promise<void>>()
  let waiting: { keys: string[]; job: () => Promise<void> }[] = []

  const begin = () => {
    while (running.size < concurrency) {
      const next = waiting.shift()
      if (!next) return
      const ended = next.job().finally(() => {
        running.delete(ended)
        release(next.keys)
        begin()
      })
      running.add(ended)
    }
  }
  const release = (keys: string[]) => {
    for (const key of keys) active.delete(key)
  }
  return {
    add(keys, job) {
      if (keys.some((key) => active.has(key))) return false
      for (const key of keys) active.add(key)
      waiting.push({ keys, job })
      begin()
      return true
    },
    active: () => active,
    async drain() {
      for (const { keys } of waiting) release(keys)
      waiting = []
      await Promise.all(running)
    },
  }
}
