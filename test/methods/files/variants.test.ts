import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, type LabService, servicesImage } from '../../../lab/lab.ts'
import { type Scan, scanTree } from '../../support/scan-tree.ts'
import { backedUp, dependingOn, openStory, type Story, startTimes, states } from '../../support/story.ts'

const quick = ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait']
/** Counts in two files, the second always after the first. */
const counting = `n=0; while :; do n=$((n+1)); echo $n >/data/first; echo $n >/data/second; done`

let story: Story

beforeAll(async () => {
  story = await openStory('quiesce-story')
})
afterAll(() => story?.[Symbol.asyncDispose]())

interface Service extends LabContainer {
  /** Its volume on the host. */
  data: string
}

async function start(name: string, service: Partial<LabService> = {}): Promise<Service> {
  const container = await story.lab.run({ name, command: quick, volumes: [`${name}:/data`], ...service })
  const { Mounts } = await story.lab.inspect(container.name)
  return { ...container, data: Mounts.find(({ Destination }) => Destination === '/data')?.Source ?? '' }
}

const counter = (service: Service, name: string) => Number(readFileSync(join(service.data, name), 'utf8'))
const counted = (service: Service, atLeast = 1) =>
  eventually(() => counter(service, 'second') >= atLeast, 30, 'the service counts')

describe('quiesce', () => {
  test('pause: the container is never stopped, and one instant is captured', async () => {
    const app = await start('pausing', {
      command: ['sh', '-c', counting],
      labels: backedUp('files', { quiesce: 'pause', 'stop-timeout': '1s' }),
    })
    await counted(app)
    const before = await startTimes(story.lab)
    const { exitCode, json } = await story.call(['backup', 'pausing'])
    expect(exitCode).toBe(0)
    expect(json.targets[0].stopped).toEqual([app.name])
    expect(await startTimes(story.lab)).toBe(before)
    // Not the instant in which the file is empty.
    const then = await eventually(() => counter(app, 'second'), 10, 'the counter to be written')
    await counted(app, then + 1)

    const to = join(story.lab.dir, 'files', 'paused')
    mkdirSync(to)
    expect((await story.call(['restore', 'pausing', '--to', to])).exitCode).toBe(0)
    const [first, second] = ['first', 'second'].map((name) => readFileSync(join(to, 'pausing', name), 'utf8'))
    // An empty file is the instant between the opening and the writing.
    if (first && second) expect([0, 1]).toContain(Number(first) - Number(second))
    expect(Number(second)).toBeLessThanOrEqual(then)
    await story.lab.podman(['rm', '--force', '--time', '0', app.name])
  })

  test('none: still data is captured, its service not even paused', async () => {
    const app = await start('still', { labels: backedUp('files', { quiesce: 'none' }) })
    writeFileSync(join(app.data, 'file'), 'still')
    const before = await startTimes(story.lab)
    const { json } = await story.call(['backup', 'still'])
    expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
    expect(await startTimes(story.lab)).toBe(before)
  })

  test('none: data that changes while it is read is a failed run, not a snapshot', async () => {
    const app = await start('restless', {
      command: ['sh', '-c', counting],
      labels: backedUp('files', { quiesce: 'none' }),
    })
    await counted(app)
    const before = await startTimes(story.lab)
    const { exitCode, json } = await story.call(['backup', 'restless'])
    expect(exitCode).toBe(1)
    expect(json).toMatchObject({ outcome: 'failed', targets: [{ target: 'restless', outcome: 'failed' }] })
    expect(json.targets[0].error).toMatchObject({ code: 'NOT_STILL' })
    expect(json.targets[0].error.hint).toContain('quiesce=stop')
    expect((await story.call(['list', 'restless'])).json).toEqual({ snapshots: [] })
    expect(await startTimes(story.lab)).toBe(before)
    await story.lab.podman(['rm', '--force', '--time', '0', app.name])
  })
})

describe('exec-pre and exec-post', () => {
  const log = (service: Service) => readFileSync(join(service.data, 'log'), 'utf8')

  test('run before and after the capture; what pre wrote is in the snapshot, what post wrote is not', async () => {
    const labels = backedUp('files', {
      'exec-pre': 'echo pre >>/data/log',
      'exec-post': '["sh","-c","echo post >>/data/log"]',
    })
    const app = await start('hooks', { labels })
    await story.backUp('hooks')
    expect(log(app)).toBe('pre\npost\n')
    await story.restore('hooks')
    expect(log(app)).toBe('pre\n')
  })

  test('a failing pre aborts: nothing is stopped, nothing is kept, and post runs all the same', async () => {
    const labels = backedUp('files', { 'exec-pre': 'echo no disk >&2; exit 3', 'exec-post': 'echo post >>/data/log' })
    const app = await start('pre-fails', { labels })
    const before = await startTimes(story.lab)
    const { exitCode, json } = await story.call(['backup', 'pre-fails'])
    expect(exitCode).toBe(1)
    expect(json.targets[0]).toMatchObject({ outcome: 'failed', stopped: [], error: { code: 'EXEC_FAILED' } })
    expect(json.targets[0].error.message).toContain('exited 3: no disk')
    expect(log(app)).toBe('post\n')
    expect((await story.call(['list', 'pre-fails'])).json).toEqual({ snapshots: [] })
    expect(await startTimes(story.lab)).toBe(before)
  })

  test('a failing post leaves the snapshot and says so: incomplete, exit code 3', async () => {
    await start('post-fails', { labels: backedUp('files', { 'exec-post': 'exit 4' }) })
    const { exitCode, json } = await story.call(['backup', 'post-fails'])
    expect(exitCode).toBe(3)
    expect(json.targets[0]).toMatchObject({ outcome: 'incomplete', error: { code: 'EXEC_FAILED' } })
    expect((await story.call(['list', 'post-fails'])).json.snapshots).toHaveLength(1)
  })
})

describe('a container that is made anew while it is down', () => {
  test('is started in place of the one that was stopped', async () => {
    const { lab } = story
    const gate = join(lab.dir, 'files', 'gate')
    mkdirSync(gate)
    // Ends only when it may: the time between the two stops is ours.
    const slow = ['sh', '-c', 'trap "while [ ! -e /gate/go ]; do sleep 0.05; done; exit 0" TERM; sleep infinity & wait']
    const labels = backedUp('files', { paths: '/data', 'stop-timeout': '60s' })
    await start('slow', { command: slow, labels, volumes: ['slow:/data', `${gate}:/gate:ro`] })
    const { name, id } = await start('peer', { volumes: ['slow:/data'], labels: dependingOn('slow') })

    const backup = story.call(['backup', 'slow'])
    await eventually(async () => (await lab.inspect(name)).State.Status === 'exited', 60, 'the peer is down')
    await lab.podman(['rm', name])
    const compose = ['project', 'service', 'container-number'].map((key, index) => [
      '--label',
      `com.docker.compose.${key}=${[lab.project, 'peer', '1'][index]}`,
    ])
    await lab.podman(['create', '--name', name, ...compose.flat(), '--volume', 'slow:/data', servicesImage, ...quick])
    writeFileSync(join(gate, 'go'), '')
    const { exitCode, json } = await backup
    expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [name, `${lab.project}-slow-1`] })
    expect(exitCode).toBe(0)
    const now = await lab.inspect(name)
    expect(now.Id).not.toBe(id)
    expect(now.State.Running).toBe(true)
  })
})

describe('a restore that does not prove itself', () => {
  test('is rolled back to the very state before', async () => {
    const { lab } = story
    const probe = ['sh', '-c', 'test ! -e /data/poison']
    const labels = backedUp('files', { 'verify.exec': JSON.stringify(probe) })
    const app = await start('poisoned', { labels })
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
})
