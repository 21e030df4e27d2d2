import { afterAll, describe, expect, test } from 'vitest'
import { newSecret } from '../../../lab/secrets.ts'
import { openStory } from '../../support/story.ts'
import { interrupted } from '../../support/victims.ts'
import { sharedFailures } from '../shared/failures.ts'
import { key, keyed, keyLabel, labels, startMetrics, subject, write } from './server.ts'

const story = await openStory('victoriametrics-failures', [key])
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const [killed, lost, port] = await Promise.all([
  startMetrics(story, { name: 'killed', labels: labels() }),
  startMetrics(story, { name: 'lost', labels: labels(), flags: ['-storageDataPath=/elsewhere'] }),
  startMetrics(story, { name: 'port', labels: labels({ 'victoriametrics.port': '9999' }) }),
  startMetrics(story, {
    name: 'wrong',
    labels: labels({ 'victoriametrics.auth-key-env': 'OTHER_KEY' }),
    flags: keyed.flags,
    env: { ...keyed.env, OTHER_KEY: newSecret('other') },
  }),
  startMetrics(story, { name: 'without', labels: labels(), ...keyed }),
  startMetrics(story, { name: 'unset', labels: labels(keyLabel) }),
])

sharedFailures(story, subject)

test('a backup whose product is killed: the next command deletes its snapshot, and no other one', async () => {
  await write(killed, 1, 100)
  const foreign = JSON.parse(await killed.ask('/snapshot/create')).snapshot
  const env = { INTERRUPT_BY: 'SIGKILL', INTERRUPT_AT: 'capture' }
  await story.product(['backup', 'killed'], { program: interrupted, env })
  expect(await killed.snapshots(), 'the dead product left its snapshot').toHaveLength(2)
  await story.call(['status'])
  expect(await killed.snapshots()).toEqual([foreign])
  expect(JSON.stringify((await story.call(['list', 'killed'])).json.snapshots)).toBe('[]')
})

describe('a backup fails and says why', () => {
  const failing = async (target: string, code: string, message: RegExp, hint: RegExp) => {
    const { exitCode, json } = await story.call(['backup', target])
    expect(exitCode).toBe(1)
    expect(json.targets[0].error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  }

  test('with a wrong auth key', () => failing('wrong', 'AUTH_FAILED', /snapshot/, /auth-key-env/))
  test('without the auth key that the server wants', () => failing('without', 'AUTH_FAILED', /refused/, /auth-key-env/))
  test('where the variable of the auth key is not set', () =>
    failing('unset', 'TARGET_BROKEN', /auth-key-env.*no environment variable/, /plan/))

  test('of a server that listens on another port, and of one that is down', async () => {
    await failing('port', 'SERVICE_DOWN', /9999/, /port/)
    await lab.podman(['stop', port.container.name])
    await failing('port', 'SERVICE_DOWN', /address|answer|running/, /./)
  })

  test('where the data lies on no mount, and deletes its snapshot on the server all the same', async () => {
    await failing('lost', 'PATH_UNREACHABLE', /none of its mounts/, /storageDataPath/)
    expect(await lost.snapshots()).toEqual([])
  })
})
