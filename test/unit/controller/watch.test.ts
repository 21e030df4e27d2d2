import { expect, test } from 'vitest'
import { createWatch, type Observation, stableSeconds } from '../../../src/controller/watch.ts'
import { fakeClock } from './fake-clock.ts'

/** A watch over one target. The test sets its data, how long a walk takes and whether it fails. */
function start(settleSeconds = 60) {
  const clock = fakeClock('2026-08-02T00:00:00Z')
  const data = { value: 'one', walkSeconds: 0, failure: undefined as Error | undefined }
  const ended = new AbortController()
  let walks = 0
  let updates = 0
  const watch = createWatch(clock, () => {
    updates++
  })
  const fingerprint = async (signal: AbortSignal) => {
    walks++
    const { value } = data
    if (data.walkSeconds > 0) await clock.sleep(data.walkSeconds * 1000, signal)
    if (data.failure) throw data.failure
    return value
  }
  const running = watch.run(ended.signal)
  watch.setTargets([{ key: 'shop/idx', settleSeconds, fingerprint }])
  const observation = () => watch.observations().get('shop/idx') as Observation
  const stop = async () => {
    ended.abort()
    await running
  }
  return { clock, data, watch, observation, counts: () => ({ walks, updates }), stop }
}

test('data is stable from the first walk that saw it to the last one', async () => {
  const { clock, data, observation, stop } = start()
  await clock.advance(20)
  expect(stableSeconds(observation())).toBe(15)
  data.value = 'two'
  await clock.advance(10)
  expect(observation()).toMatchObject({ fingerprint: 'two', since: new Date('2026-08-02T00:00:30Z') })
  expect(stableSeconds(observation())).toBe(0)
  await stop()
})

test('an update is told at the first observation, at a change and at the end of the settle time, and not again', async () => {
  const { clock, data, counts, stop } = start()
  await clock.advance(59)
  expect(counts()).toEqual({ walks: 4, updates: 1 })
  await clock.advance(1)
  expect(counts()).toEqual({ walks: 5, updates: 2 })
  await clock.advance(600)
  expect(counts().updates).toBe(2)
  data.value = 'two'
  await clock.advance(15)
  expect(counts().updates).toBe(3)
  await stop()
})

test('after a long walk the next one waits ten times as long', async () => {
  const { clock, data, counts, stop } = start()
  data.walkSeconds = 30
  await clock.advance(329)
  expect(counts().walks).toBe(1)
  await clock.advance(2)
  expect(counts().walks).toBe(2)
  await stop()
})

test('a settle time of a second allows one walk a second', async () => {
  const { clock, counts, stop } = start(1)
  await clock.advance(10)
  expect(counts().walks).toBe(11)
  await stop()
})

test('a failed walk is shown as its error until a walk succeeds, and the settle time begins anew', async () => {
  const { clock, data, watch, observation, stop } = start()
  await clock.advance(31)
  data.failure = new Error('gone')
  await clock.advance(15)
  expect(watch.observations().get('shop/idx')).toBe(data.failure)
  data.failure = undefined
  await clock.advance(15)
  expect(stableSeconds(observation())).toBe(0)
  await stop()
})

test('a target that is removed during its walk leaves no observation and is not walked again', async () => {
  const { clock, data, watch, counts, stop } = start()
  data.walkSeconds = 5
  await clock.advance(1)
  watch.setTargets([])
  await clock.advance(600)
  expect(watch.observations().size).toBe(0)
  expect(counts().walks).toBe(1)
  await stop()
})
