import pino from 'pino'
import { describe, expect, test } from 'vitest'
import type { Run } from '../../../src/catalog/catalog.ts'
import { isReplicationDue } from '../../../src/controller/due-replication.ts'
import { createReplicator } from '../../../src/controller/replicator.ts'
import { fakeClock } from './fake-clock.ts'

const minute = 60_000

describe('whether to look what is to be copied', () => {
  test('at the start, after a backup, and each hour', () => {
    expect(isReplicationDue({ failures: 0 }, 'one', 0)).toBe(true)
    const done = { failures: 0, endedMs: 0, newest: 'one' }
    expect(isReplicationDue(done, 'one', 59 * minute)).toBe(false)
    expect(isReplicationDue(done, 'two', 1)).toBe(true)
    expect(isReplicationDue(done, 'one', 60 * minute)).toBe(true)
  })

  test('after failures in 1, 5 and 15 minutes, then each hour, whatever is backed up meanwhile', () => {
    const waits = [1, 2, 3, 4, 9].map((failures) => {
      const due = (minutes: number) =>
        isReplicationDue({ failures, endedMs: 0, newest: 'one' }, 'two', minutes * minute)
      return [1, 5, 15, 60].find(due)
    })
    expect(waits).toEqual([1, 5, 15, 60, 60])
  })
})

test('copying never holds a pass up, is done once at a time, and is tried again after a failure', async () => {
  const clock = fakeClock('2026-09-01T00:00:00Z')
  const ends: { resolve(): void; reject(error: Error): void }[] = []
  const replicate = () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
  let told = 0
  const onEnd = () => {
    told++
  }
  const replicator = createReplicator(
    { clock, log: pino({ level: 'silent' }) },
    { replicate },
    onEnd,
    new AbortController().signal,
  )
  const consider = (snapshot: string) => replicator.consider({ runs: new Map([['shop/db', [{ snapshot } as Run]]]) })
  consider('one')
  consider('two')
  expect([ends.length, replicator.isRunning()]).toEqual([1, true])
  ends[0]?.reject(new Error('away'))
  await replicator.drain()
  consider('two')
  expect(ends.length, 'a failure rests').toBe(1)
  await clock.advance(60)
  consider('two')
  ends[1]?.resolve()
  await replicator.drain()
  consider('two')
  expect([ends.length, told, replicator.isRunning()]).toEqual([2, 2, false])
})
