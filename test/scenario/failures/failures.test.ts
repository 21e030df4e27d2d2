import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer } from '../../../lab/lab.ts'
import type { Call } from '../../../lab/product.ts'
import { startProxy } from '../../contract/engine-proxy.ts'
import { scanTree } from '../../support/scan-tree.ts'
import { backedUp, dependingOn, openStory, type Story, startTimes, states } from '../../support/story.ts'

const command = ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait']
const running = { app: 'running', peer: 'running' }
let story: Story
let app: LabContainer
let data: string

beforeAll(async () => {
  story = await openStory('failures-story')
  const volumes = ['data:/data']
  app = await story.lab.run({ name: 'app', command, volumes, labels: backedUp('files') })
  await story.lab.run({ name: 'peer', command, volumes, labels: dependingOn('app') })
  data = (await story.lab.inspect(app.name)).Mounts[0]?.Source ?? ''
})
afterAll(() => story?.[Symbol.asyncDispose]())

/** What every failed backup has to leave: nothing listed, nothing half written, and a hint. */
async function expectFailed({ exitCode, json }: Call, code: string): Promise<void> {
  expect(exitCode).toBe(1)
  expect(json).toMatchObject({ outcome: 'failed', targets: [{ outcome: 'failed', error: { code } }] })
  expect(json.targets[0].error.hint).toMatch(/\w/)
  const incoming = join(story.product.repository, '.incoming')
  expect(existsSync(incoming) ? readdirSync(incoming) : []).toEqual([])
}

describe('a full disk', () => {
  test('of the repository: a failed run, and services that run', async () => {
    await using _small = await smallDisk('6m')
    writeFileSync(join(data, 'small'), 'fits')
    const id = await story.backUp('app')
    noise('large', 12_000_000)
    const failed = await story.call(['backup', 'app'])
    await expectFailed(failed, 'NO_SPACE')
    expect(failed.json.targets[0].error.hint).toContain('Free space')
    expect(await story.listed()).toEqual([id])
    expect(await states(story.lab)).toEqual(running)
    rmSync(join(data, 'large'))
    await story.backUp('app')
  })

  test('for the safety snapshot: nothing is replaced, and the hint names the way without', async () => {
    await using _small = await smallDisk('6m')
    writeFileSync(join(data, 'small'), 'fits')
    await story.backUp('app')
    noise('large', 12_000_000)
    const before = scanTree(data)
    const failed = await story.call(['restore', 'app', '--yes'])
    await expectFailed(failed, 'NO_SPACE')
    expect(failed.json.targets[0].error.hint).toContain('--no-safety')
    expect(scanTree(data)).toEqual(before)
    expect(await states(story.lab)).toEqual(running)
    await story.restore('app', '--no-safety')
    expect(readdirSync(data)).toEqual(['small'])
  })
})

describe('a flipped bit in the repository', () => {
  test('is named by check, and a restore refuses before it touches anything', async () => {
    noise('blob', 500_000)
    const id = await story.backUp('app')
    const [file = ''] = globSync(join(story.product.repository, '**', id, '*.tar.zst'))
    const sound = readFileSync(file)
    const flipped = Buffer.from(sound)
    flipped[300_000] = (flipped[300_000] ?? 0) ^ 0x10
    writeFileSync(file, flipped)

    const before = await startTimes(story.lab)
    const check = await story.call(['check', '--read-data'])
    expect(check.exitCode).toBe(1)
    expect(check.json.repositories[0].damaged).toMatchObject([
      { id, target: 'app', file: relative(story.product.repository, file) },
    ])
    const refused = await story.call(['restore', 'app', '--at', id, '--yes'])
    await expectFailed(refused, 'SNAPSHOT_DAMAGED')
    expect(refused.json.targets[0].error.message).toContain(basename(file))
    expect(refused.json.targets[0]).not.toHaveProperty('safetySnapshot')
    expect(await startTimes(story.lab)).toBe(before)

    writeFileSync(file, sound)
    const whole = await story.call(['check', '--read-data'])
    expect(whole.json).toMatchObject({ outcome: 'complete', repositories: [{ damaged: [] }] })
    await story.restore('app')
  })
})

describe('a connection to the engine that breaks in mid-frame', () => {
  test('while a database is dumped: a failed run, and no dump goes on', async () => {
    const { lab } = story
    const volumes = [`${lab.project}-db:/var/lib/postgresql`]
    const db = await lab.run({
      name: 'db',
      command: ['svc', 'postgres', '-c', 'fsync=off'],
      volumes,
      labels: backedUp('postgres'),
    })
    const make = 'CREATE TABLE IF NOT EXISTS much AS SELECT n, md5(n::text) FROM generate_series(1, 100000) n'
    await eventually(() => db.exec(['psql', '-U', 'postgres', '-c', make]), 60, 'the database is filled')
    await using proxy = await startProxy(lab.socket, join(lab.dir, 'files', 'proxy.sock'))
    let cuts = 0
    proxy.onAnswer((chunk, count, request) => {
      if (!/\/exec\/\w+\/start/.test(request) || count + chunk.length < 1_000_000) return 'pass'
      cuts++
      return { cutAfter: 100 }
    })
    const before = await startTimes(lab)
    const cut = await story.call(['backup', 'db'], { env: { CONTAINER_HOST: `unix://${proxy.socket}` } })
    await expectFailed(cut, 'STREAM_CUT')
    expect(cuts).toBe(1)
    expect((await story.call(['list', 'db'])).json).toMatchObject({ snapshots: [] })
    expect(await startTimes(lab)).toBe(before)
    const isGone = async () => !(await db.exec(['ps', '-ef'])).includes('pg_dump')
    await eventually(isGone, 60, 'no dump goes on in the service')
    await story.backUp('db')
  })
})

function noise(name: string, bytes: number): void {
  execFileSync('sh', ['-c', `head -c ${bytes} /dev/urandom >"$0"`, join(data, name)])
}

/** An empty file system of a few megabytes in place of the repository, which is accepted as the new one; and so is the old one after it. */
async function smallDisk(size: string): Promise<AsyncDisposable> {
  const { repository } = story.product
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', repository])
  const accept = async () =>
    expect(await story.call(['repository', 'accept', '--yes'])).toMatchObject({
      exitCode: 0,
      json: { outcome: 'complete' },
    })
  await accept()
  return {
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['--lazy', repository])
      await accept()
    },
  }
}
