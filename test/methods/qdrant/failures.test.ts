import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { program } from '../../../lab/program.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { Content } from '../../fakes/qdrant-client.ts'
import { openStory } from '../../support/story.ts'
import { interrupted } from '../../support/victims.ts'
import { sharedFailures } from '../shared/failures.ts'
import { hostPath } from '../shared/subject.ts'
import {
  awaitReady,
  chooseSource,
  contentOf,
  damage,
  expectNothingLeft,
  type Instance,
  labels,
  startQdrant,
  subject,
} from './server.ts'

const story = await openStory('qdrant-failures')
const { lab } = story
const source = await chooseSource(lab)
afterAll(() => story[Symbol.asyncDispose]())

// The contract server is up at once or never.
const patience = source.isReal ? '60s' : '15s'
const [qdrant, keyed] = await Promise.all([
  startQdrant(lab, source, { name: 'docs', labels: labels({ 'start-timeout': patience }) }),
  startQdrant(lab, source, {
    name: 'keyed',
    labels: labels({ 'qdrant.api-key-env': 'OTHER_KEY' }),
    env: { OTHER_KEY: newSecret('wrong') },
  }),
])

sharedFailures(story, subject)

describe(`a restore (${source.name})`, { timeout: 600_000 }, () => {
  let before: Content
  let saved: string

  beforeAll(async () => {
    await awaitReady(qdrant)
    await (await qdrant.client()).fill(1000)
    before = await contentOf(qdrant)
    saved = await story.backUp('docs')
  })

  // A killed server may leave the old state, a mix of both, or storage with which it does not start again.
  test.each(source.isReal ? [0, 150, 400] : [0])(
    'brings the state before back when the server is killed %i ms into its last step',
    async (delay) => {
      await damage(qdrant)
      const damaged = await contentOf(qdrant)
      await holdLastStep()
      const restoring = story.call(['restore', 'docs', '--at', saved, '--yes'])
      await awaitLastStep(qdrant)
      await sleep(delay)
      await lab.podman(['kill', '--signal', 'KILL', qdrant.container.name])
      const { json, stderr } = await restoring
      expect(json, stderr).toMatchObject({ outcome: 'failed', targets: [{ target: 'docs', rolledBack: true }] })
      expect(await contentOf(qdrant)).toEqual(damaged)
      await story.call(['list'])
      await expectNothingLeft(qdrant)
      await story.restore('docs', '--at', saved)
      expect(await contentOf(qdrant)).toEqual(before)
    },
  )

  test('brings the state before back by the next command when the product is killed in its last step', async () => {
    await damage(qdrant)
    const damaged = await contentOf(qdrant)
    await holdLastStep()
    const product = startProduct(['restore', 'docs', '--at', saved, '--yes'])
    await awaitLastStep(qdrant)
    product.kill('SIGKILL')
    await once(product, 'exit')
    await endHold()
    const { stderr } = await story.call(['list'])
    expect(stderr).toContain('finish the restore of')
    expect(await contentOf(qdrant)).toEqual(damaged)
    await expectNothingLeft(qdrant)
    await story.restore('docs', '--at', saved)
    expect(await contentOf(qdrant)).toEqual(before)
  })

  test('replaces storage with which the server does not start', async () => {
    await lab.podman(['stop', '--time', '5', qdrant.container.name])
    const storage = await hostPath(lab, qdrant.container, '/qdrant/storage')
    await source.damageStorage(join(storage, 'collections/docs'))
    await story.restore('docs', '--at', saved, '--no-safety')
    // It was stopped before, and is again.
    await lab.podman(['start', qdrant.container.name])
    await awaitReady(qdrant)
    expect(await contentOf(qdrant)).toEqual(before)
    await expectNothingLeft(qdrant)
    expect((await readdir(storage)).filter((name) => name.startsWith('xnai-'))).toEqual([])
  })

  test('a backup whose product is killed: its snapshot goes from the server by the next command', async () => {
    const client = await qdrant.client()
    const env = { INTERRUPT_BY: 'SIGKILL', INTERRUPT_AT: 'capture' }
    await story.product(['backup', 'docs'], { program: interrupted, env })
    expect(await client.files(), 'the dead product left its snapshot').toHaveLength(1)
    await story.call(['list'])
    await expectNothingLeft(qdrant)
  })
})

test('a backup with a wrong key fails with AUTH_FAILED, of a stopped server with SERVICE_DOWN', async () => {
  await awaitReady(keyed)
  const wrong = await story.call(['backup', 'keyed'])
  expect(wrong).toMatchObject({ exitCode: 1, json: { targets: [{ error: { code: 'AUTH_FAILED' } }] } })
  await lab.podman(['stop', '--time', '5', keyed.container.name])
  const down = await story.call(['backup', 'keyed'])
  expect(down).toMatchObject({ exitCode: 1, json: { targets: [{ error: { code: 'SERVICE_DOWN' } }] } })
})

/** The contract server stays in the last step until `endHold`, or until it is killed. A real one takes its time. */
const holdLastStep = async () => source.isReal || (await qdrant.container.exec(['touch', '/tmp/held/docs']))
const endHold = async () => source.isReal || (await qdrant.container.exec(['rm', '/tmp/held/docs']))

/** Resolves when `docs` itself is being replaced: the server has the file and works on it. */
async function awaitLastStep({ client }: Instance): Promise<void> {
  const now = await client()
  const isThere = async () => {
    const { result } = await now.call('GET', '/collections/docs/snapshots')
    return result.some(({ name }: { name: string }) => name.startsWith('xnai-restore-'))
  }
  await eventually(isThere, 120, 'the restore comes to its last step')
}

const startProduct = (args: string[]) =>
  spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...story.product.env },
    stdio: 'ignore',
  })
