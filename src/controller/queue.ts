/** Work under keys, a bounded number at once, in the order in which it was added; the rest waits. */
export interface Queue {
  /** False, and nothing happens, while any of the keys is queued or worked on. `work` never rejects. */
  add(keys: string[], work: () => Promise<void>): boolean
  /** Keys that are queued or worked on. */
  busy(): ReadonlySet<string>
  /** Forgets what has not begun, and settles once what has begun has ended. */
  drain(): Promise<void>
}

export function createQueue(concurrency: number): Queue {
  const busy = new Set<string>()
  const running = new Set<Promise<void>>()
  let waiting: { keys: string[]; work: () => Promise<void> }[] = []

  const begin = () => {
    while (running.size < concurrency) {
      const next = waiting.shift()
      if (!next) return
      const ended = next.work().finally(() => {
        running.delete(ended)
        release(next.keys)
        begin()
      })
      running.add(ended)
    }
  }
  const release = (keys: string[]) => {
    for (const key of keys) busy.delete(key)
  }
  return {
    add(keys, work) {
      if (keys.some((key) => busy.has(key))) return false
      for (const key of keys) busy.add(key)
      waiting.push({ keys, work })
      begin()
      return true
    },
    busy: () => busy,
    async drain() {
      for (const { keys } of waiting) release(keys)
      waiting = []
      await Promise.all(running)
    },
  }
}
