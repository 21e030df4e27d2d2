import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { backedUp, openStory, startTimes } from '../../support/story.ts'
import { startService, type VolumeService } from './service.ts'

/** Counts in two files, the second always after the first; without a pause, or with a short one between two counts. */
const counting = (pause = ':') =>
  `n=0; while ${pause}; do n=$((n+1)); echo $n >/data/first; echo $n >/data/second; done`

const story = await openStory('files-variants')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const counter = (service: VolumeService, name: string) => Number(readFileSync(join(service.data, name), 'utf8'))
const counted = (service: VolumeService, atLeast = 1) =>
  eventually(() => counter(service, 'second') >= atLeast, 60, 'the service counts')

describe('quiesce', () => {
  test('pause captures one instant and never stops the container', async () => {
    const app = await startService(lab, 'pausing', {
      command: ['sh', '-c', counting('sleep 0.01')],
      labels: backedUp('files', { quiesce: 'pause', 'stop-timeout': '1s' }),
    })
    await counted(app)
    const before = await startTimes(lab)
    const { exitCode, json } = await story.call(['backup', 'pausing'])
    expect(exitCode).toBe(0)
    expect(json.targets[0].stopped).toEqual([app.name])
    expect(await startTimes(lab)).toBe(before)
    // Not the instant in which the file is empty.
    const then = await eventually(() => counter(app, 'second'), 60, 'the counter to be written')
    await counted(app, then + 1)

    const to = join(lab.dir, 'files', 'paused')
    mkdirSync(to)
    expect((await story.call(['restore', 'pausing', '--to', to])).exitCode).toBe(0)
    const [first, second] = ['first', 'second'].map((name) => readFileSync(join(to, 'pausing', name), 'utf8'))
    // An empty file is the instant between the opening and the writing.
    if (first && second) expect([0, 1]).toContain(Number(first) - Number(second))
    expect(Number(second)).toBeLessThanOrEqual(then)
    await lab.podman(['rm', '--force', '--time', '0', app.name])
  })

  test('none captures data that is still, leaves a mounted socket out and does not even pause its service', async () => {
    const app = await startService(lab, 'still', {
      volumes: ['still:/data', `${lab.socket}:/var/run/docker.sock`],
      labels: backedUp('files', { quiesce: 'none' }),
    })
    writeFileSync(join(app.data, 'file'), 'still')
    const before = await startTimes(lab)
    const { json } = await story.call(['backup', 'still'])
    expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
    expect(await startTimes(lab)).toBe(before)
  })

  test('none fails, without a snapshot, when the data changes while it is read', async () => {
    const app = await startService(lab, 'restless', {
      command: ['sh', '-c', counting()],
      labels: backedUp('files', { quiesce: 'none' }),
    })
    await counted(app)
    const before = await startTimes(lab)
    const { exitCode, json } = await story.call(['backup', 'restless'])
    expect(exitCode).toBe(1)
    expect(json).toMatchObject({ outcome: 'failed', targets: [{ target: 'restless', outcome: 'failed' }] })
    expect(json.targets[0].error).toMatchObject({ code: 'NOT_STILL' })
    expect(json.targets[0].error.hint).toContain('quiesce=stop')
    expect((await story.call(['list', 'restless'])).json).toMatchObject({ snapshots: [] })
    expect(await startTimes(lab)).toBe(before)
    await lab.podman(['rm', '--force', '--time', '0', app.name])
  })
})

describe('exec-pre and exec-post', () => {
  const log = (service: VolumeService) => readFileSync(join(service.data, 'log'), 'utf8')

  test('run before and after the capture: what pre wrote is in the snapshot, what post wrote is not', async () => {
    const labels = backedUp('files', {
      'exec-pre': 'echo pre >>/data/log',
      'exec-post': '["sh","-c","echo post >>/data/log"]',
    })
    const app = await startService(lab, 'hooks', { labels })
    await story.backUp('hooks')
    expect(log(app)).toBe('pre\npost\n')
    await story.restore('hooks')
    expect(log(app)).toBe('pre\n')
  })

  test('a pre that fails ends the run: nothing is stopped, nothing is kept, and post runs all the same', async () => {
    const labels = backedUp('files', { 'exec-pre': 'echo no disk >&2; exit 3', 'exec-post': 'echo post >>/data/log' })
    const app = await startService(lab, 'pre-fails', { labels })
    const before = await startTimes(lab)
    const { exitCode, json } = await story.call(['backup', 'pre-fails'])
    expect(exitCode).toBe(1)
    expect(json.targets[0]).toMatchObject({ outcome: 'failed', stopped: [], error: { code: 'EXEC_FAILED' } })
    expect(json.targets[0].error.message).toContain('exited 3: no disk')
    expect(log(app)).toBe('post\n')
    expect((await story.call(['list', 'pre-fails'])).json).toMatchObject({ snapshots: [] })
    expect(await startTimes(lab)).toBe(before)
  })

  test('a post that fails leaves the snapshot and makes the run incomplete, with exit code 3', async () => {
    await startService(lab, 'post-fails', { labels: backedUp('files', { 'exec-post': 'exit 4' }) })
    const { exitCode, json } = await story.call(['backup', 'post-fails'])
    expect(exitCode).toBe(3)
    expect(json.targets[0]).toMatchObject({ outcome: 'incomplete', error: { code: 'EXEC_FAILED' } })
    expect((await story.call(['list', 'post-fails'])).json.snapshots).toHaveLength(1)
  })
})
