import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, openStory, type Story } from '../../support/story.ts'

const key = newSecret('victoriametrics')
const volume = '/victoria-metrics-data'
let story: Story

beforeAll(async () => {
  story = await openStory('victoriametrics')
})
afterAll(() => story?.[Symbol.asyncDispose]())

interface Instance {
  name: string
  container: LabContainer
  /** Body of the answer; the server is asked from within its container. */
  ask(path: string, body?: string): Promise<string>
  /** Values of `counter`, oldest first. */
  values(): Promise<number[]>
  snapshots(): Promise<string[]>
  hostPath(): Promise<string>
}

async function start(service: Omit<LabService, 'command'> & { flags?: string[]; prefix?: string }): Promise<Instance> {
  const { flags = [], prefix = '', ...rest } = service
  const { lab } = story
  const volumes = rest.volumes ?? [`${lab.project}-${rest.name}:${volume}`]
  const container = await lab.run({ ...rest, volumes, command: ['svc', 'victoriametrics', ...flags] })
  const base = `http://localhost:8428${prefix}`
  const ask = (path: string, body = '') => container.exec(['curl', '-sS', '--data-binary', body, base + path])
  await eventually(() => ask('/health'), 20, `${rest.name} answers`)
  return {
    name: rest.name,
    container,
    ask,
    values: async () => {
      const text = await ask('/api/v1/export', `match[]=counter`)
      return text === '' ? [] : JSON.parse(text).values
    },
    snapshots: async () => JSON.parse(await ask('/snapshot/list', `authKey=${key}`)).snapshots,
    hostPath: async () => {
      const { Mounts } = await lab.inspect(container.name)
      return Mounts.find(({ Destination }) => Destination === volume)?.Source ?? ''
    },
  }
}

const keyLabel = { 'victoriametrics.auth-key-env': 'VM_snapshotAuthKey' }
const labels = (more: Record<string, string> = {}) => backedUp('victoriametrics', more)
/** The server reads its flags from the environment too: so no command line names the key. */
const keyed = { env: { VM_snapshotAuthKey: key }, flags: ['-envflag.enable', '-envflag.prefix=VM_'] }

/** Points `from` to `to`, a second apart an hour ago, all in one request; and as many series. */
async function write(instance: Instance, from: number, to: number): Promise<void> {
  const begin = Date.now() - 3_600_000
  const lines = Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((n) => [
    `counter ${n} ${begin + n * 1000}`,
    `wide{n="${n}"} ${n} ${begin + n * 1000}`,
  ])
  await instance.ask('/api/v1/import/prometheus', `${lines.join('\n')}\n`)
  await eventually(async () => (await instance.values()).length >= to, 20, `${to} points are seen`)
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** Writes one point after another, each of its moment, until it is disposed. */
async function startWriter(instance: Instance, from: number): Promise<AsyncDisposable> {
  const script = `n=${from}; while sleep 0.02; do
    curl -sS -d "counter $n" localhost:8428/api/v1/import/prometheus || exit; n=$((n+1)); done`
  const name = `${instance.container.name}-writer`
  await story.lab.podman([
    'run',
    '--detach',
    '--name',
    name,
    '--network',
    `container:${instance.container.name}`,
    'localhost/xnai-services',
    'sh',
    '-c',
    script,
  ])
  await eventually(async () => (await instance.values()).length > from + 10, 30, 'the writer writes')
  return { [Symbol.asyncDispose]: async () => void (await story.lab.podman(['rm', '--force', '--time', '0', name])) }
}

describe('a round trip by content', () => {
  test('while points come in: one state, no snapshot left, the server never stopped', async () => {
    const instance = await start({ name: 'live', labels: labels(keyLabel), ...keyed })
    await write(instance, 1, 500)
    const { State } = await story.lab.inspect(instance.container.name)
    let seen: number
    {
      await using _writer = await startWriter(instance, 501)
      await story.backUp('live')
      seen = (await instance.values()).length
    }
    expect((await story.lab.inspect(instance.container.name)).State.StartedAt).toBe(State.StartedAt)
    expect(await instance.snapshots()).toEqual([])

    const result = await story.restore('live')
    expect(result.checks.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['series', 'sample of 3 series', `${volume}/data/small as it was packed`]),
    )
    const values = await instance.values()
    expect(values).toEqual(upTo(values.length))
    expect(values.length).toBeGreaterThan(510)
    expect(values.length).toBeLessThanOrEqual(seen)
  })

  test('over newer data, over older data, and over a storage that is gone', async () => {
    // Most servers have more series than one question may match.
    const instance = await start({ name: 'ages', labels: labels(), flags: ['-search.maxSeries=5'] })
    await write(instance, 1, 50)
    const older = await story.backUp('ages')
    await write(instance, 51, 100)
    const newer = await story.backUp('ages')
    const { checks } = await story.restore('ages', '--at', older)
    expect(checks.map(({ name }: { name: string }) => name)).toContain('sample of 1 series')
    expect(await instance.values()).toEqual(upTo(50))
    await story.restore('ages', '--at', newer)
    expect(await instance.values()).toEqual(upTo(100))

    await story.lab.podman(['stop', instance.container.name])
    const root = await instance.hostPath()
    for (const entry of await readdir(root)) await rm(join(root, entry), { recursive: true })
    await story.restore('ages', '--no-safety')
    await story.lab.podman(['start', instance.container.name])
    await eventually(async () => (await instance.values()).length === 100, 20, 'all points are back')
  })

  test('a storage path below the mount, another port prefix, no data at all', async () => {
    const flags = [`-storageDataPath=${volume}/deep/vm`, '-http.pathPrefix=/vm']
    const instance = await start({
      name: 'odd',
      labels: labels({ 'victoriametrics.path-prefix': '/vm' }),
      flags,
      prefix: '/vm',
    })
    await story.backUp('odd')
    await write(instance, 1, 3)
    await story.restore('odd')
    expect(await instance.values()).toEqual([])
  })
})

describe('what goes wrong', () => {
  test('killed while the snapshot is there: the next command deletes it, and nobody else’s', async () => {
    const instance = await start({ name: 'killed', labels: labels() })
    await write(instance, 1, 100)
    const foreign = JSON.parse(await instance.ask('/snapshot/create')).snapshot
    const folder = join(await instance.hostPath(), 'snapshots')
    const main = join(import.meta.dirname, '../../../src/main.ts')
    const child = spawn(process.execPath, [main, 'backup', 'killed'], { env: { ...process.env, ...story.product.env } })
    while (child.exitCode === null && readdirSync(folder).length < 2) await nextTurn()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await story.call(['status'])
    expect(await instance.snapshots()).toEqual([foreign])
    expect(JSON.stringify((await story.call(['list', 'killed'])).json.snapshots)).toBe('[]')
  })

  const failing = async (target: string, code: string, message: RegExp, hint: RegExp) => {
    const { exitCode, json } = await story.call(['backup', target])
    expect(exitCode).toBe(1)
    expect(json.targets[0].error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  }

  test('a wrong auth key', async () => {
    await start({
      name: 'wrong',
      labels: labels({ 'victoriametrics.auth-key-env': 'OTHER_KEY' }),
      flags: keyed.flags,
      env: { ...keyed.env, OTHER_KEY: newSecret('other') },
    })
    await failing('wrong', 'AUTH_FAILED', /snapshot/, /auth-key-env/)
  })

  test('no auth key where one is wanted', async () => {
    await start({ name: 'without', labels: labels(), ...keyed })
    await failing('without', 'AUTH_FAILED', /refused/, /auth-key-env/)
  })

  test('a variable that is not there', async () => {
    await start({ name: 'unset', labels: labels(keyLabel) })
    await failing('unset', 'AUTH_FAILED', /VM_snapshotAuthKey is not set/, /auth-key-env/)
  })

  test('a server that is down, or listens elsewhere', async () => {
    const { container } = await start({ name: 'port', labels: labels({ 'victoriametrics.port': '9999' }) })
    await failing('port', 'SERVICE_DOWN', /9999/, /port/)
    await story.lab.podman(['stop', container.name])
    await failing('port', 'SERVICE_DOWN', /address|answer|running/, /./)
  })

  test('data that lies on no mount: the snapshot on the server is deleted all the same', async () => {
    const flags = ['-storageDataPath=/elsewhere']
    const instance = await start({ name: 'lost', labels: labels(), flags })
    await failing('lost', 'PATH_UNREACHABLE', /none of its mounts/, /storageDataPath/)
    expect(await instance.snapshots()).toEqual([])
  })
})
