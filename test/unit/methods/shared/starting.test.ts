import { expect, test } from 'vitest'
import type { MethodContext } from '../../../../src/methods/method.ts'
import { refuseInitialising, startingMs } from '../../../../src/methods/shared/starting.ts'
import { container } from '../../plan/build.ts'

const started = container('db', { startedAt: '2026-09-01T12:00:00.000Z' })
const at = (time: string) => new Date(`2026-09-01T${time}Z`)

test.each([
  ['a moment after its start', started, '12:00:30', 90_000],
  ['after its time', started, '12:02:00', 0],
  ['before its start, by another clock', started, '11:00:00', 120_000],
  ['while it is stopped', { ...started, state: 'stopped' as const }, '12:00:30', 0],
  ['without a known start', container('db'), '12:00:30', 0],
])('a server may be starting: %s', (_, facts, time, milliseconds) => {
  expect(Math.max(0, startingMs(facts, 120, at(time)))).toBe(milliseconds)
})

test('a server that listens nowhere initialises itself while it may be starting, and was configured so after that', () => {
  const refuse = (time: string, listens = false) => {
    const ctx = { container: started, clock: { now: () => at(time) } } as MethodContext
    return () => refuseInitialising(ctx, { server: { listens } }, 120)
  }
  expect(refuse('12:00:30')).toThrow(expect.objectContaining({ code: 'SERVICE_DOWN' }))
  expect(refuse('12:00:30', true)).not.toThrow()
  expect(refuse('12:03:00')).not.toThrow()
})
