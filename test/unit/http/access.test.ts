import { expect, test } from 'vitest'
import { createAccess } from '../../../src/http/access.ts'
import { systemClock } from '../../../src/lib/clock.ts'

const token = 'correct-horse-battery'
const access = () => createAccess(token, systemClock)
const byHeader = (authorization: string | undefined) => ({ authorization, session: undefined })
const bySession = (session: string | undefined) => ({ authorization: undefined, session })

test('without a token everybody may read', () => {
  expect(createAccess(undefined, systemClock).admits(byHeader(undefined))).toBe(true)
})

test.each([`Bearer ${token}`, `bearer  ${token}`])('%s shows the token', (header) => {
  expect(access().admits(byHeader(header))).toBe(true)
})

test.each([
  ...[undefined, '', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer ${token}x`, `Bearer ${token} x`],
  'Bearer correct',
])('%s does not', (header) => {
  expect(access().admits(byHeader(header))).toBe(false)
})

test('a session begins with the token alone, is no part of it, and ends when it is told to', () => {
  const { admits, logIn, logOut } = access()
  expect(logIn(`${token}x`)).toBeUndefined()
  const session = logIn(token)
  expect(session).toMatch(/^[\w-]{43}$/)
  expect(admits(bySession(session))).toBe(true)
  expect(admits(bySession(`${session}x`))).toBe(false)
  logOut(session)
  expect(admits(bySession(session))).toBe(false)
})

test('a session ends after twelve hours, and the oldest one when there are more than a hundred', () => {
  let nowMs = 0
  const { admits, logIn } = createAccess(token, { ...systemClock, monotonicMs: () => nowMs })
  const first = logIn(token)
  const second = logIn(token)
  for (let count = 0; count < 99; count++) logIn(token)
  expect(admits(bySession(first))).toBe(false)
  expect(admits(bySession(second))).toBe(true)
  nowMs = 12 * 3_600_000 + 1
  expect(admits(bySession(second))).toBe(false)
})
