import { describe, expect, test } from 'vitest'
import { isSameNames, sortNames } from '../../../../src/lib/tree/sorted-names.ts'

/** Every name is there once, in an order that has nothing to do with theirs. Some are long, and some beyond the basic plane. */
const ends = ['', 'ä', '\u{1f600}', '\ufb01', 'x'.repeat(200)]
const makeNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${(index * 7919) % count}-${ends[index % ends.length]}`)

function* inBatches(names: string[]): Generator<string[]> {
  for (let at = 0; at < names.length; at += 1000) yield names.slice(at, at + 1000)
}

describe('names are sorted as JavaScript sorts them', () => {
  test.each([0, 1, 999, 20_000, 20_001, 110_000])('%i of them', (count) => {
    const names = makeNames(count)
    using sorted = sortNames(inBatches(names))
    expect([...sorted]).toEqual(names.toSorted())
    expect([...sorted], 'a second time').toHaveLength(count)
  })

  test('an error of the listing passes through', () => {
    function* broken() {
      yield* inBatches(makeNames(50_000))
      throw new Error('the disk is gone')
    }
    expect(() => sortNames(broken())).toThrow('the disk is gone')
  })
})

test('names are the same only when all of them are', () => {
  const names = makeNames(50_000)
  const isSame = (others: string[]) => {
    using some = sortNames(inBatches(names))
    using same = sortNames(inBatches(others))
    return isSameNames(some, same)
  }
  expect(isSame(names.toReversed())).toBe(true)
  expect(isSame(names.slice(1))).toBe(false)
  expect(isSame([...names, 'one more'])).toBe(false)
  expect(isSame([...names.slice(1), 'another one'])).toBe(false)
})
