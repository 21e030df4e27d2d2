import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, servicesImage, startLab } from '../../lab/lab.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { execStream, execText } from '../../src/engine/exec.ts'
import { locate } from '../../src/engine/host-paths.ts'
import { connectEngine } from '../../src/engine/podman.ts'
import { findSelf } from '../../src/engine/self.ts'
import { scratchLabels, scratchName } from '../../src/labels/scratch.ts'
import { methods } from '../../src/methods/index.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { settings } from '../unit/plan/build.ts'
import { engineContract } from './engine.ts'
import { countBytes, forever, openEngineLab } from './engine-lab.ts'

engineContract('Podman', () => openEngineLab())

describe('Podman', () => {
  const { signal } = new AbortController()
  let lab: Lab
  let engine: Engine
  beforeAll(async () => {
    lab = await startLab('engine')
    engine = connectEngine(`unix://${lab.socket}`)
  })
  afterAll(async () => lab?.stop())

  const shell = (id: string, script: string) =>
    execText(engine, id, { command: ['sh', '-c', script], timeoutSeconds: 30 }, signal)
  /** True when a command of that program has written something and nothing more for half a second. */
  const isStalled = async (id: string, program: string) => {
    const written = `grep wchar /proc/$(pgrep -x ${program})/io`
    const { stdout } = await shell(id, `${written}; sleep 0.5; ${written}`)
    const [first, second] = stdout.trim().split('\n')
    return first !== 'wchar: 0' && first === second
  }
  const isGone = (id: string, pid: string) =>
    eventually(async () => (await shell(id, `kill -0 ${pid}`)).exitCode !== 0, 60, `end of process ${pid}`)

  test('tells its version, and that it is no rootless one', async () => {
    const version = (await lab.podman(['version', '--format', '{{.Server.Version}}'])).trim()
    expect(await engine.info(signal)).toEqual({ name: 'podman', version })
    expect(await engine.isRootless(signal)).toBe(false)
    // A proxy that takes away headers.
    const proxy = createServer(async ({ url = '' }, answer) => {
      const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
      get({ socketPath: lab.socket, path: url }, resolve)
      answer.end(await buffer(await promise))
    })
    const socket = join(lab.dir, 'proxy.sock')
    await once(proxy.listen(socket), 'listening')
    expect(await connectEngine(socket).info(signal)).toEqual({ name: 'podman', version })
    await once(proxy.close(), 'close')
  })

  test('lists what podman-compose made: project, service, volume, bind mount, order', async () => {
    const file = join(lab.dir, 'compose.yaml')
    await writeFile(join(lab.dir, 'app.toml'), 'port = 1\n')
    await writeFile(
      file,
      JSON.stringify({
        services: {
          db: {
            image: servicesImage,
            command: forever(),
            volumes: ['data:/var/lib/db', './app.toml:/etc/app.toml:ro'],
          },
          app: { image: servicesImage, command: forever(), depends_on: ['db'], environment: { MODE: 'a=b' } },
        },
        volumes: { data: {} },
      }),
    )
    await lab.podmanCompose([file], ['up', '-d'])
    const found = (await engine.list(signal)).filter((facts) => facts.project === lab.project)
    const service = (name: string) => found.find((facts) => facts.service === name)
    const [db, app] = [service('db'), service('app')]
    expect(app?.requires).toEqual([db?.id])
    expect(app?.environment.get('MODE')).toBe('a=b')
    expect(db?.image).toBe(`${servicesImage}:latest`)
    expect(locate(db as never, '/etc/app.toml')).toMatchObject({
      hostPath: join(lab.dir, 'app.toml'),
      mount: { kind: 'bind', writable: false },
    })
    expect(locate(db as never, '/var/lib/db/base')).toMatchObject({
      mount: { name: `${lab.project}_data`, writable: true },
    })
  })

  test('tells the labels that a container has from its image, and none of an image that is gone', async () => {
    const { name } = await lab.run({ name: 'base', command: forever() })
    const image = `localhost/${lab.project}-labelled`
    await lab.podman(['commit', '--format', 'docker', '--change', 'LABEL xnai.backup.enable=true', name, image])
    await lab.run({ name: 'labelled', image, create: true, labels: { 'xnai.backup.name': 'other' } })
    const found = (await engine.list(signal)).find(({ service }) => service === 'labelled')
    expect(found?.labels).toMatchObject({ 'xnai.backup.enable': 'true', 'xnai.backup.name': 'other' })
    const labels = await engine.imageLabels(found?.imageId ?? '', signal)
    expect(labels).toMatchObject({ 'xnai.backup.enable': 'true' })
    expect(labels).not.toHaveProperty('xnai.backup.name')
    expect(await engine.imageLabels(`sha256:${'0'.repeat(64)}`, signal)).toEqual({})
  })

  test('finds its own container by what that container sees, also where its host name is its own choice', async () => {
    const { id, name } = await lab.run({
      name: 'self',
      command: forever(),
      args: ['--hostname', 'backup', '--privileged', '--volume', '/:/host:rslave'],
    })
    await lab.run({ name: 'other', command: forever() })
    const read = async (path: string) => (await shell(name, `cat ${path}`)).stdout
    const traces = {
      hostname: 'backup',
      mountinfo: await read('/proc/self/mountinfo'),
      containerenv: await read('/run/.containerenv'),
    }
    expect((await findSelf(engine, signal, traces))?.id).toBe(id)
    expect((await findSelf(engine, signal, { ...traces, containerenv: '' }))?.id).toBe(id)
    expect(await findSelf(engine, signal)).toBeUndefined()
  })

  test('knows a container as Quadlet makes it: a pause keeps it, a stop removes it, and no plan stops it', async () => {
    const unit = ['--label', 'PODMAN_SYSTEMD_UNIT=unit.service']
    const args = ['--rm', ...unit, '--volume', 'unit:/data']
    const { id } = await lab.run({ name: 'unit', command: forever(), args })
    const { id: composed } = await lab.run({ name: 'composed', command: forever(), args: unit })
    expect(await engine.inspect(id, signal)).toMatchObject({ autoRemove: true, systemdUnit: 'unit.service' })
    expect((await engine.inspect(composed, signal))?.autoRemove).toBeUndefined()
    await engine.pause(id, signal)
    await engine.unpause(id, signal)

    const owner = await lab.run({
      name: 'owner',
      command: forever(),
      args: ['--label', 'xnai.backup.enable=true', '--volume', 'unit:/data'],
    })
    const { broken } = makePlan(await engine.list(signal), settings, methods)
    const [problem] = broken.find(({ container }) => container === owner.name)?.problems ?? []
    expect(problem?.reason).toContain('of the systemd unit unit.service, which the engine removes when it stops')

    await engine.stop(id, 0, signal).catch(() => undefined)
    await eventually(async () => (await engine.inspect(id, signal)) === undefined, 60, 'the container to be removed')
  })

  test('names the device of a network itself: two Podmans of a machine would take the same one', async () => {
    const name = scratchName('device', 'network')
    await engine.createNetwork(
      name,
      scratchLabels({ run: 'device', state: 's', until: '2026-01-01T00:00:00Z' }),
      signal,
    )
    const [inspected] = JSON.parse(await lab.podman(['network', 'inspect', name]))
    expect(inspected).toMatchObject({ internal: true, network_interface: expect.stringMatching(/^xnd-[0-9a-f]{10}$/) })
    await engine.removeScratch({ kind: 'network', name }, signal)
  })

  test('leaves out of the list what vanishes while it is made', async () => {
    const { name } = await lab.run({ name: 'stays', command: forever() })
    const vanish = async () => {
      for (let round = 0; round < 3; round += 1) {
        await lab.podman(['run', '--rm', '--network', 'none', servicesImage, 'true'])
      }
    }
    let busy = true
    const vanishing = vanish().finally(() => {
      busy = false
    })
    while (busy) expect((await engine.list(signal)).map((facts) => facts.name)).toContain(name)
    await vanishing
  })

  test('ends a command of another user and one that ignores SIGTERM', async () => {
    const { name } = await lab.run({ name: 'users', command: forever() })
    const command = ['sh', '-c', "trap '' TERM; echo $$; while :; do sleep 0.1; done"]
    const controller = new AbortController()
    const output = await execStream(engine, name, { command, user: '1000:1000', timeoutSeconds: 60 }, controller.signal)
    const pid = String((await once(output, 'data'))[0]).trim()
    controller.abort(new Error('enough'))
    await expect(output.toArray()).rejects.toThrow('enough')
    expect(await isGone(name, pid)).toBe(true)
  })

  test('keeps memory flat behind a reader that is slower than the command', async () => {
    const { name } = await lab.run({ name: 'flood', command: forever() })
    const request = { command: ['sh', '-c', 'head -c 400000000 /dev/zero'], timeoutSeconds: 200 }
    const output = await execStream(engine, name, request, signal)
    const before = process.memoryUsage().rss
    await once(output, 'readable')
    await eventually(() => isStalled(name, 'head'), 60, 'the command to wait for its reader')
    const held = process.memoryUsage().rss - before
    expect(await countBytes(output)).toBe(400_000_000)
    expect(held).toBeLessThan(64 * 1024 * 1024)
  })
})
