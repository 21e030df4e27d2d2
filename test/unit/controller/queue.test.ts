import { describe, expect, test } from 'vitest'
import { createQueue } from '../../../src/controller/queue.ts'
import { fakeClock } from './fake-clock.ts'

/** Jobs that end when a test says so, and the names of those that have begun. */
function makeJobs() {
  const began: string[] = []
  const gates = new Map<string, (done: boolean) => void>()
  const job = (name: string) => () => {
    began.push(name)
    return new Promise<boolean>((resolve) => gates.set(name, resolve))
  }
  /** Ends a job. With `false` it could not begin, because another process holds what it needs. */
  const end = async (name: string, done = true) => {
    gates.get(name)?.(done)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { began, job, end }
}

const clock = fakeClock('2026-11-20T12:00:00Z')

describe('the queue', () => {
  test('begins jobs in order, no more than allowed at once', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(clock, 2)
    for (const name of ['a', 'b', 'c', 'd']) expect(queue.add({ keys: [name], needs: [], run: job(name) })).toBe(true)
    expect(began).toEqual(['a', 'b'])
    await end('b')
    expect(began).toEqual(['a', 'b', 'c'])
    expect([...queue.active()]).toEqual(['a', 'c', 'd'])
  })

  test('refuses a job while any of its keys waits or runs', async () => {
    const { job, end } = makeJobs()
    const queue = createQueue(clock, 1)
    queue.add({ keys: ['a', 'b'], needs: [], run: job('ab') })
    expect(queue.add({ keys: ['b'], needs: [], run: job('b') })).toBe(false)
    queue.add({ keys: ['c'], needs: [], run: job('c') })
    expect(queue.add({ keys: ['d', 'c'], needs: [], run: job('dc') })).toBe(false)
    expect([...queue.active()]).toEqual(['a', 'b', 'c'])
    await end('ab')
    expect(queue.add({ keys: ['b'], needs: [], run: job('b') })).toBe(true)
  })

  test('drops waiting jobs and awaits running ones when it drains', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(clock, 1)
    queue.add({ keys: ['a'], needs: [], run: job('a') })
    queue.add({ keys: ['b'], needs: [], run: job('b') })
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

  test('gives no place to work whose needs are taken, and lets later work with other needs go first', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(clock, 2)
    queue.add({ keys: ['a'], needs: ['app'], run: job('a') })
    queue.add({ keys: ['b'], needs: ['app'], run: job('b') })
    queue.add({ keys: ['free'], needs: ['other'], run: job('free') })
    expect(began).toEqual(['a', 'free'])
    await end('a')
    expect(began).toEqual(['a', 'free', 'b'])
  })

  test('lets nothing that came later take what older work waits for', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(clock, 3)
    queue.add({ keys: ['a'], needs: ['x'], run: job('a') })
    queue.add({ keys: ['b'], needs: ['x', 'y'], run: job('b') })
    queue.add({ keys: ['c'], needs: ['y'], run: job('c') })
    expect(began).toEqual(['a'])
    await end('a')
    expect(began).toEqual(['a', 'b'])
    await end('b')
    expect(began).toEqual(['a', 'b', 'c'])
  })

  test('puts work back that another process does not let begin, does others, and tries it every five seconds', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(clock, 1)
    for (const name of ['a', 'b']) queue.add({ keys: [name], needs: ['app'], run: job(name) })
    await end('a', false)
    expect(began).toEqual(['a', 'b'])
    expect([...queue.active()]).toEqual(['a', 'b'])
    await end('b')
    await clock.advance(4.9)
    expect(began).toEqual(['a', 'b'])
    await clock.advance(0.2)
    expect(began).toEqual(['a', 'b', 'a'])
    await end('a')
    expect(queue.active().size).toBe(0)
  })

  test('drops work that rests when it drains', async () => {
    const { began, job, end } = makeJobs()
    const queue = createQueue(clock, 1)
    queue.add({ keys: ['a'], needs: [], run: job('a') })
    await end('a', false)
    await queue.drain()
    await clock.advance(10)
    expect({ began, active: queue.active().size }).toEqual({ began: ['a'], active: 0 })
  })
})
