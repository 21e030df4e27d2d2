import { expect, test } from 'vitest'
import { isLoopback } from '../../../src/lib/loopback.ts'

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
  '%s is loopback',
  (host) => {
    expect(isLoopback(host)).toBe(true)
  },
)

test.each(['0.0.0.0', '::', '128.0.0.1', '127.0.0.1.example.org', 'localhost.example.org', '10.127.0.0.1', ''])(
  '"%s" is not loopback',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)
