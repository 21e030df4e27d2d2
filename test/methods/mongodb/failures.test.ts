import { afterAll, expect, test } from 'vitest'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, openStory } from '../../support/story.ts'
import { interrupted } from '../../support/victims.ts'
import { sharedFailures } from '../shared/failures.ts'
import { idle } from '../shared/subject.ts'
import { contentOf, damage, fill } from './documents.ts'
import { awaitReady, chooseSource, password, startMongodb, subject } from './server.ts'

const story = await openStory('mongodb-failures', [password])
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

const [db] = await Promise.all([
  startMongodb(lab, source, { name: 'killed', labels: backedUp('mongodb') }),
  startMongodb(lab, source, {
    name: 'wrong',
    labels: backedUp('mongodb', { 'mongodb.password-env': 'WRONG' }),
    env: { WRONG: newSecret('wrong') },
  }),
  startMongodb(lab, source, { name: 'down', labels: backedUp('mongodb'), command: idle }),
  lab.run({ name: 'bare', labels: backedUp('mongodb'), command: idle }),
])

sharedFailures(story, subject)

test('a SIGKILL in the middle of a restore: the next command brings the state before back', async () => {
  await awaitReady(db)
  await fill(db, source)
  const before = await contentOf(db)
  const snapshot = await story.backUp('killed')
  await damage(db)
  const damaged = await contentOf(db)
  const env = { INTERRUPT_BY: 'SIGKILL', INTERRUPT_AT: 'replace' }
  const dead = await story.product(['restore', 'killed', '--at', snapshot, '--yes'], { program: interrupted, env })
  expect(dead.exitCode).not.toBe(0)
  await story.call(['list', 'killed'])
  expect(await contentOf(db)).toEqual(damaged)
  await story.restore('killed', '--at', snapshot)
  expect(await contentOf(db)).toEqual(before)
})

test.each([
  ['wrong', 'with a wrong password', 'AUTH_FAILED'],
  ['down', 'of a server that is down', 'SERVICE_DOWN'],
  ['bare', 'in an image without the tools', 'TOOL_MISSING'],
])('a backup of %s, %s, fails with %s and a hint', async (target, _circumstance, code) => {
  const { exitCode, json } = await story.call(['backup', target])
  expect(json.targets[0]).toMatchObject({ outcome: 'failed', error: { code } })
  expect(json.targets[0].error.hint).toMatch(/\w/)
  expect(exitCode).toBe(1)
})
