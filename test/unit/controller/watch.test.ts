import { expect, test } from 'vitest'
import { createWatch, type Observation, stillSeconds } from '../../../src/controller/watch.ts'
import { fakeClock } from './fake-clock.ts'

/** A watch over one target whose data, walk time and failure a test sets. */
function start(settleSeconds = 60) {
  const clock = fakeClock('2026-08-02T00:00:00Z')
  const data = { value: 'one', walkSeconds: 0, failure: undefined as Error | undefined }
  const ended = new AbortController()
  let walks = 0
  let news = 0
  const watch = createWatch(clock, () => {
    news++
  })
  const fingerprint = async (signal: AbortSignal) => {
    walks++
    const { value } = data
    if (data.walkSeconds > 0) await clock.sleep(data.walkSeconds * 1000, signal)
    if (data.failure) throw data.failure
    return value
  }
  const running = watch.run(ended.signal)
  watch.follow([{ key: 'shop/idx', settleSeconds, fingerprint }])
  const observation = () => watch.observations().get('shop/idx') as Observation
  const stop = async () => {
    ended.abort()
    await running
  }
  return { clock, data, watch, observation, counts: () => ({ walks, news }), stop }
}

test('data is still from the first walk that saw it to the last', async () => {
  const { clock, data, observation, stop } = start()
  await clock.advance(20)
  expect(stillSeconds(observation())).toBe(15)
  data.value = 'two'
  await clock.advance(10)
  expect(observation()).toMatchObject({ fingerprint: 'two', since: new Date('2026-08-02T00:00:30Z') })
  expect(stillSeconds(observation())).toBe(0)
  await stop()
})

test('there is news at the first observation, at a change and at the end of the settle time, and then no more', async () => {
  const { clock, data, counts, stop } = start()
  await clock.advance(59)
  expect(counts()).toEqual({ walks: 4, news: 1 })
  await clock.advance(1)
  expect(counts()).toEqual({ walks: 5, news: 2 })
  await clock.advance(600)
  expect(counts().news).toBe(2)
  data.value = 'two'
  await clock.advance(15)
  expect(counts().news).toBe(3)
  await stop()
})

test('a long walk rests ten times as long', async () => {
  const { clock, data, counts, stop } = start()
  data.walkSeconds = 30
  await clock.advance(329)
  expect(counts().walks).toBe(1)
  await clock.advance(2)
  expect(counts().walks).toBe(2)
  await stop()
})

test('a short settle time does not make it walk without end', async () => {
  const { clock, counts, stop } = start(1)
  await clock.advance(10)
  expect(counts().walks).toBe(11)
  await stop()
})

test('a walk that fails is an error until one succeeds, and stillness begins anew', async () => {
  const { clock, data, watch, observation, stop } = start()
  await clock.advance(31)
  data.failure = new Error('gone')
  await clock.advance(15)
  expect(watch.observations().get('shop/idx')).toBe(data.failure)
  data.failure = undefined
  await clock.advance(15)
  expect(stillSeconds(observation())).toBe(0)
  await stop()
})

test('what is not followed any more is forgotten, in mid-walk too', async () => {
  const { clock, data, watch, counts, stop } = start()
  data.walkSeconds = 5
  await clock.advance(1)
  watch.follow([])
  await clock.advance(600)
  expect(watch.observations().size).toBe(0)
  expect(counts().walks).toBe(1)
  await stop()
})
