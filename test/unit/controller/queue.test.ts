import { describe, expect, test } from 'vitest'
import { createQueue } from '../../../src/controller/queue.ts'

/** Jobs that end when a test says so, and the names of those that have begun. */
function makeJobs() {
  const began: string[] = []
  const gates = new Map<string, () => void>()
  const job = (name: string) => () => {
    began.push(name)
    return new Promise<void>((resolve) => gates.set(name, resolve))
  }
  const end = async (name: string) => {
    gates.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { began, job, end }
}

describe('the queue', () => {
  test('begins jobs in order, no more than allowed at once', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(2)
    for (const name of ['a', 'b', 'c', 'd']) expect(queue.add([name], job(name))).toBe(true)
    expect(began).toEqual(['a', 'b'])
    await end('b')
    expect(began).toEqual(['a', 'b', 'c'])
    expect([...queue.active()]).toEqual(['a', 'c', 'd'])
  })

  test('refuses a job while any of its keys waits or runs', async () => {
    const { job, end } = makeJobs()
    const queue = createQueue(1)
    queue.add(['a', 'b'], job('ab'))
    expect(queue.add(['b'], job('b'))).toBe(false)
    queue.add(['c'], job('c'))
    expect(queue.add(['d', 'c'], job('dc'))).toBe(false)
    expect([...queue.active()]).toEqual(['a', 'b', 'c'])
    await end('ab')
    expect(queue.add(['b'], job('b'))).toBe(true)
  })

  test('drops waiting jobs and awaits running ones when it drains', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(1)
    queue.add(['a'], job('a'))
    queue.add(['b'], job('b'))
    let drained = false
    const draining = queue.drain().then(() => {
      drained = true
    })
    await end('none')
    expect({ drained, active: [...queue.active()] }).toEqual({ drained: false, active: ['a'] })
    await end('a')
    await draining
    expect(began).toEqual(['a'])
    expect(queue.active().size).toBe(0)
  })
})
