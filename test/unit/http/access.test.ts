import { expect, test } from 'vitest'
import { createAccess } from '../../../src/http/access.ts'

const token = 'correct-horse-battery'

test('without a token everybody may read', () => {
  expect(createAccess(undefined).admits(undefined)).toBe(true)
})

test.each([`Bearer ${token}`, `bearer  ${token}`])('%s shows the token', (header) => {
  expect(createAccess(token).admits(header)).toBe(true)
})

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  token,
  `Basic ${token}`,
  `Bearer ${token}x`,
  `Bearer ${token} x`,
  'Bearer correct',
])('%s does not', (header) => {
  expect(createAccess(token).admits(header)).toBe(false)
})
