import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { backedUp, openStory, states } from '../../support/story.ts'
import { answers, content, fill, password, type Redis, startRedis } from './server.ts'

const story = await openStory('redis-story')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const service = {
  name: 'db',
  config: 'save 60 1\nrequirepass $REDIS_PASSWORD',
  env: { REDIS_PASSWORD: password },
  labels: backedUp('redis', { 'verify.exec': 'true' }),
}

/** Counts in two keys, in one transaction each time, until `enough` is there. */
const writer = `while [ ! -e /tmp/enough ]; do
  sleep 0.01; n=$((n+1)); printf 'MULTI\\nSET first %s\\nSET second %s\\nEXEC\\n' $n $n
done | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli >/dev/null; touch /tmp/ended`

const count = async ({ cli }: Redis) => (await cli('MGET first second')).trim().split('\n').map(Number)

test('Redis, backed up under a writer, destroyed and restored, has the state of one instant', async () => {
  let redis = await startRedis(lab, service)
  await fill(redis)
  await redis.exec(['sh', '-c', writer], { detach: true })
  await eventually(async () => Number(await redis.cli('GET first')) > 100, 60, 'the writer writes')
  const [started = 0] = await count(redis)
  const id = await story.backUp('db')
  const [ended = 0] = await count(redis)
  await redis.exec(['sh', '-c', 'touch /tmp/enough; while [ ! -e /tmp/ended ]; do sleep 0.05; done'])
  const before = await content(redis)

  await redis.cli('FLUSHALL', 'SET greeting spoiled', 'SET newer 1', 'SAVE')
  await lab.podman(['stop', '--time', '10', redis.name])
  const { safetySnapshot } = await story.restore('db', '--at', id)
  expect(await states(lab), 'it was stopped, and is again').toMatchObject({ db: 'exited' })
  await lab.podman(['start', redis.name])
  await answers(redis)
  expect(await content(redis)).toBe(before)
  const [first = 0, second] = await count(redis)
  expect(first).toBe(second)
  expect(first).toBeGreaterThanOrEqual(started)
  expect(first).toBeLessThanOrEqual(ended)

  // The safety snapshot is the way back.
  await story.restore('db', '--at', safetySnapshot)
  expect(await redis.cli('GET greeting')).toBe('spoiled\n')

  // As on a bare host: container and volume are new, and nothing ever ran in them.
  await lab.podman(['rm', '--force', '--volumes', '--time', '10', redis.name])
  await lab.podman(['volume', 'rm', `${lab.project}-db`])
  redis = await startRedis(lab, { ...service, create: true })
  await story.restore('db', '--at', id)
  expect(await states(lab)).not.toMatchObject({ db: 'running' })
  await lab.podman(['start', redis.name])
  await answers(redis)
  expect(await content(redis)).toBe(before)
})
