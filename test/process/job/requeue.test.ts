import { expect, test } from 'vitest'
import { containerLock } from '../../../src/catalog/keys.ts'
import { createDispatcher } from '../../../src/controller/dispatcher.ts'
import { realJobs } from '../../../src/controller/jobs.ts'
import { poll } from '../../../src/lib/deadline.ts'
import { enabled, setJobStage } from './stage.ts'

const never = new AbortController().signal

test('scheduled runs that wait for a container of another process leave their places to others, and record nothing', async () => {
  const paths = enabled({ 'target.a.paths': '/data', 'target.b.paths': '/more' })
  const stage = setJobStage(({ data }) => [
    { name: 'app', labels: paths, mounts: [data('one'), data('two', '/more')] },
    { name: 'free', labels: enabled(), mounts: [data('three')] },
  ])
  const { parts } = stage
  const targets = await stage.targets()
  const restore = parts.catalog.lock([containerLock('app')], 'a long restore')
  const ended = new AbortController()
  // Rests are a hundred times as short.
  const clock = { ...parts.clock, sleep: (ms: number, signal?: AbortSignal) => parts.clock.sleep(ms / 100, signal) }
  const options = { concurrency: 2, backup: realJobs(parts).backup, onEnd: () => {} }
  const dispatcher = createDispatcher({ ...parts, clock }, options, ended.signal)
  const action = { kind: 'backup', cause: 'schedule', reason: 'due' } as const
  dispatcher.dispatch(targets.map((target) => ({ ...action, targets: [{ target, onSuccess: {} }] })))

  const stored = async () => (await stage.local.list(never)).map(({ target }) => target).toSorted()
  const storedAll = (wanted: string[]) =>
    poll(async () => (await stored()).join() === wanted.join(), {
      what: `snapshots of ${wanted.join(', ')}`,
      seconds: 60,
      clock: parts.clock,
      signal: never,
    })
  await storedAll(['free'])
  expect(parts.catalog.runs({}).map(({ target }) => target)).toEqual(['free'])
  expect([...dispatcher.active()]).toEqual(['shop/a', 'shop/b'])
  restore[Symbol.dispose]()
  await storedAll(['a', 'b', 'free'])
  await dispatcher.drain()
  expect(
    parts.catalog
      .runs({})
      .map(({ target, outcome }) => [target, outcome])
      .toSorted(),
  ).toEqual([
    ['a', 'complete'],
    ['b', 'complete'],
    ['free', 'complete'],
  ])
  expect(await stage.states()).toEqual({ app: 'running', free: 'running' })
})
