import { describe, expect, test } from 'vitest'
import { createQueue } from '../../../src/controller/queue.ts'

/** Works that end when they are told to, and a record of those that began. */
function works() {
  const began: string[] = []
  const gates = new Map<string, () => void>()
  const work = (name: string) => () => {
    began.push(name)
    return new Promise<void>((resolve) => gates.set(name, resolve))
  }
  const end = async (name: string) => {
    gates.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { began, work, end }
}

describe('queue', () => {
  test('works on so many at once, in order', async () => {
    const { began, work, end } = works()
    const queue = createQueue(2)
    for (const name of ['a', 'b', 'c', 'd']) expect(queue.add([name], work(name))).toBe(true)
    expect(began).toEqual(['a', 'b'])
    await end('b')
    expect(began).toEqual(['a', 'b', 'c'])
    expect([...queue.busy()]).toEqual(['a', 'c', 'd'])
  })

  test('never has a key twice, queued or worked on, alone or in company', async () => {
    const { work, end } = works()
    const queue = createQueue(1)
    queue.add(['a', 'b'], work('ab'))
    expect(queue.add(['b'], work('b'))).toBe(false)
    queue.add(['c'], work('c'))
    expect(queue.add(['d', 'c'], work('dc'))).toBe(false)
    expect([...queue.busy()]).toEqual(['a', 'b', 'c'])
    await end('ab')
    expect(queue.add(['b'], work('b'))).toBe(true)
  })

  test('drains: what waits is forgotten, what runs is awaited', async () => {
    const { began, work, end } = works()
    const queue = createQueue(1)
    queue.add(['a'], work('a'))
    queue.add(['b'], work('b'))
    let drained = false
    const draining = queue.drain().then(() => {
      drained = true
    })
    await end('none')
    expect({ drained, busy: [...queue.busy()] }).toEqual({ drained: false, busy: ['a'] })
    await end('a')
    await draining
    expect(began).toEqual(['a'])
    expect(queue.busy().size).toBe(0)
  })
})
