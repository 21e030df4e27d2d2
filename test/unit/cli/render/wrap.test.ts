import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wrap } from '../../../../src/cli/render/wrap.ts'

test('a text is broken between words, and goes on with an indent', () => {
  expect(wrap('error: the disk is full and nothing was kept', 20, '  ')).toEqual([
    'error: the disk is',
    '  full and nothing',
    '  was kept',
  ])
})

test('a command between backticks is not broken', () => {
  expect(wrap('Look at the log: `podman logs shop-db-1`, and start it.', 24, '')).toEqual([
    'Look at the log:',
    '`podman logs shop-db-1`,',
    'and start it.',
  ])
})

test('no word is lost or broken, and only a line of one word is longer than the width', () => {
  const word = fc.stringMatching(/^[a-z/]{1,30}$/)
  fc.assert(
    fc.property(fc.array(word), fc.integer({ min: 5, max: 60 }), (words, width) => {
      const lines = wrap(words.join(' '), width, '  ')
      expect(lines.flatMap((line) => line.trim().split(' ')).filter(Boolean)).toEqual(words)
      for (const line of lines) if (line.trim().includes(' ')) expect(line.length).toBeLessThanOrEqual(width)
    }),
  )
})
