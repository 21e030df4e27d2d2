import { describe, expect, test } from 'vitest'
import { renderDurations } from '../../support/durations.ts'
import { longestFirst } from '../../support/longest-first.ts'

describe('the order of test files', () => {
  test('the heaviest file comes first, and a file without a weight counts as the mean of its layer', () => {
    const weights = { 'test/fault/a': 10, 'test/fault/b': 100, 'test/fault/c': 40, 'test/process/d': 2 }
    const unknown = ['test/unit/e', 'test/process/new', 'test/fault/new']
    const order = longestFirst([...unknown, ...Object.keys(weights)], weights)
    const names = order.map((path) => path.replace('test/', ''))
    expect(names).toEqual(['fault/b', 'fault/new', 'fault/c', 'fault/a', 'process/new', 'process/d', 'unit/e'])
  })

  test('files of the same weight keep their order', () => {
    expect(longestFirst(['b', 'a'], {})).toEqual(['b', 'a'])
  })
})

test('durations are summed by layer, and the longest files are named', () => {
  const text = renderDurations([
    { layer: 'unit', path: 'test/unit/a.test.ts', seconds: 1.2 },
    { layer: 'scenario', path: 'test/scenario/b.test.ts', seconds: 30 },
    { layer: 'scenario', path: 'test/scenario/c.test.ts', seconds: 12 },
  ])
  expect(text.split('\n')).toEqual([
    'Sum of durations by layer: unit 1 s in 1 files, scenario 42 s in 2 files',
    '    30 s  test/scenario/b.test.ts',
    '    12 s  test/scenario/c.test.ts',
    '     1 s  test/unit/a.test.ts',
  ])
})
