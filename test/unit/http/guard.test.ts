import { expect, test } from 'vitest'
import { refuseForeign } from '../../../src/http/guard.ts'

const statusOf = (host: string | undefined, origin: string | undefined, hasToken: boolean) =>
  refuseForeign({ host, origin }, hasToken)?.status

test.each(['127.0.0.1:9180', 'localhost', '[::1]:9180', '127.0.0.2'])(
  'without a token, %s is a name of this machine',
  (host) => {
    expect(statusOf(host, undefined, false)).toBeUndefined()
    expect(statusOf(host, `http://${host.toLowerCase()}`, false)).toBeUndefined()
  },
)

test.each([
  undefined,
  '',
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example:9180',
  '10.0.0.7:9180',
  '[::2]',
])('without a token, the name %s could have been pointed here by another site', (host) => {
  expect(statusOf(host, undefined, false)).toBe(421)
})

test('with a token, a proxy may give any name', () => {
  expect(statusOf('backup.example.org', undefined, true)).toBeUndefined()
  expect(statusOf('backup.example.org', 'https://backup.example.org', true)).toBeUndefined()
  expect(statusOf('backup.example.org:443', 'https://backup.example.org', true)).toBeUndefined()
})

test.each(['https://evil.example', 'null', 'http://127.0.0.1:8080', 'not a url', 'https://'])(
  'a request of the origin %s is refused',
  (origin) => {
    expect(statusOf('127.0.0.1:9180', origin, false)).toBe(403)
    expect(statusOf('127.0.0.1:9180', origin, true)).toBe(403)
  },
)
