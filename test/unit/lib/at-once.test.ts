import { expect, test } from 'vitest'
import { atOnce } from '../../../src/lib/at-once.ts'

test('so many are worked on at once, and the results keep the order of the items', async () => {
  const ends = [0, 1, 2].map(() => Promise.withResolvers<void>())
  const begun: number[] = []
  const all = atOnce([0, 1, 2], 2, async (item) => {
    begun.push(item)
    await ends[item]?.promise
    return `result ${item}`
  })
  expect(begun).toEqual([0, 1])
  ends[1]?.resolve()
  await ends[1]?.promise
  await Promise.resolve()
  expect(begun).toEqual([0, 1, 2])
  ends[2]?.resolve()
  ends[0]?.resolve()
  expect(await all).toEqual(['result 0', 'result 1', 'result 2'])
})

test('a failure is told when the others have ended', async () => {
  const slow = Promise.withResolvers<void>()
  let hasEnded = false
  const all = atOnce(['fails', 'is slow'], 2, async (item) => {
    if (item === 'fails') throw new Error('refused')
    await slow.promise
    hasEnded = true
  })
  const told = expect(all).rejects.toThrow('refused')
  slow.resolve()
  await told
  expect(hasEnded).toBe(true)
})

test('nothing is begun after a failure', async () => {
  const slow = Promise.withResolvers<void>()
  const begun: string[] = []
  const all = atOnce(['fails', 'is slow', 'comes later'], 2, async (item) => {
    begun.push(item)
    if (item === 'fails') throw new Error('refused')
    await slow.promise
  })
  const told = expect(all).rejects.toThrow('refused')
  slow.resolve()
  await told
  expect(begun).toEqual(['fails', 'is slow'])
})

test('nothing is worked on without items', async () => {
  expect(await atOnce([], 2, async () => 'a result')).toEqual([])
})
