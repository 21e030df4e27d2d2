import { expect, test } from 'vitest'
import { padTo, textWidth } from '../../../../src/cli/render/text-width.ts'

test.for([
  ['plain text', 'shop/files', 10],
  ['an accent of its own', 'e\u0301te\u0301', 3],
  ['a dash', '—', 1],
  ['East Asian characters', '写真', 4],
  ['colours', '\x1b[32mok\x1b[39m', 2],
] as const)('the width of %s counts what is seen', ([, text, width]) => {
  expect(textWidth(text)).toBe(width)
})

test('padding counts what is seen', () => {
  expect(padTo('写真', 6)).toBe('写真  ')
  expect(padTo('longer', 3)).toBe('longer')
})
