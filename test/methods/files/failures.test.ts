import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { eventually, servicesImage } from '../../../lab/lab.ts'
import { type Scan, scanTree } from '../../support/scan-tree.ts'
import { backedUp, dependingOn, openStory, states } from '../../support/story.ts'
import { sharedFailures } from '../shared/failures.ts'
import { idle } from '../shared/subject.ts'
import { startService, subject } from './service.ts'

const story = await openStory('files-failures')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

sharedFailures(story, subject)

test('a container that is made anew while it is down is started in place of the one that was stopped', async () => {
  const gate = join(lab.dir, 'files', 'gate')
  mkdirSync(gate)
  // Ends only when it may: the time between the two stops is ours.
  const slow = ['sh', '-c', 'trap "while [ ! -e /gate/go ]; do sleep 0.05; done; exit 0" TERM; sleep infinity & wait']
  const labels = backedUp('files', { paths: '/data', 'stop-timeout': '60s' })
  await startService(lab, 'slow', { command: slow, labels, volumes: ['slow:/data', `${gate}:/gate:ro`] })
  const { name, id } = await startService(lab, 'peer', { volumes: ['slow:/data'], labels: dependingOn('slow') })

  const backup = story.call(['backup', 'slow'])
  await eventually(async () => (await lab.inspect(name)).State.Status === 'exited', 60, 'the peer is down')
  await lab.podman(['rm', name])
  const compose = ['project', 'service', 'container-number'].map((key, index) => [
    '--label',
    `com.docker.compose.${key}=${[lab.project, 'peer', '1'][index]}`,
  ])
  await lab.podman([
    'create',
    '--network',
    'none',
    '--name',
    name,
    ...compose.flat(),
    '--volume',
    'slow:/data',
    servicesImage,
    ...idle,
  ])
  writeFileSync(join(gate, 'go'), '')
  const { exitCode, json } = await backup
  expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [name, `${lab.project}-slow-1`] })
  expect(exitCode).toBe(0)
  const now = await lab.inspect(name)
  expect(now.Id).not.toBe(id)
  expect(now.State.Running).toBe(true)
})

test('a restore that does not prove itself is rolled back to the very state before', async () => {
  const probe = ['sh', '-c', 'test ! -e /data/poison']
  const labels = backedUp('files', { 'verify.exec': JSON.stringify(probe), 'start-timeout': '10s' })
  const app = await startService(lab, 'poisoned', { labels })
  writeFileSync(join(app.data, 'poison'), 'x')
  await story.backUp('poisoned')
  rmSync(join(app.data, 'poison'))
  mkdirSync(join(app.data, 'newer'), { mode: 0o711 })
  writeFileSync(join(app.data, 'newer', 'file'), 'worth keeping', { mode: 0o604 })
  const { before, wereUp }: { before: Scan; wereUp: object } = {
    before: scanTree(app.data),
    wereUp: await states(lab),
  }

  const { exitCode, json } = await story.call(['restore', 'poisoned', '--yes'])
  expect(exitCode).toBe(1)
  expect(json).toMatchObject({
    outcome: 'failed',
    targets: [{ target: 'poisoned', outcome: 'failed', rolledBack: true }],
  })
  expect(json.targets[0].error).toMatchObject({
    code: 'PROOF_FAILED',
    message: expect.stringContaining('verify.exec'),
  })
  expect(existsSync(join(app.data, 'poison'))).toBe(false)
  expect(scanTree(app.data)).toEqual(before)
  expect(await states(lab)).toEqual(wereUp)
  expect((await app.exec(probe)).trim()).toBe('')
})
