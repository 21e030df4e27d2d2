import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, servicesImage, startLab } from '../../lab/lab.ts'
import type { Engine, EngineEvent } from '../../src/engine/engine.ts'
import { execStream, execText } from '../../src/engine/exec.ts'
import { locate } from '../../src/engine/host-paths.ts'
import { connectEngine } from '../../src/engine/podman.ts'
import { findSelf } from '../../src/engine/self.ts'
import { engineContract } from './engine.ts'
import { forever, openEngineLab } from './engine-lab.ts'
import { type EngineProxy, startProxy } from './engine-proxy.ts'

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
    eventually(async () => (await shell(id, `kill -0 ${pid}`)).exitCode !== 0, 30, `end of process ${pid}`)

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

  test('leaves out of the list what vanishes while it is made', async () => {
    const { name } = await lab.run({ name: 'stays', command: forever() })
    const vanish = async () => {
      for (let round = 0; round < 3; round += 1) {
        await lab.podman(['run', '--rm', servicesImage, 'true'])
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
    const request = { command: ['sh', '-c', 'head -c 400000000 /dev/zero'], timeoutSeconds: 50 }
    const output = await execStream(engine, name, request, signal)
    const before = process.memoryUsage().rss
    await once(output, 'readable')
    await eventually(() => isStalled(name, 'head'), 30, 'the command to wait for its reader')
    const held = process.memoryUsage().rss - before
    expect(await countBytes(output)).toBe(400_000_000)
    expect(held).toBeLessThan(64 * 1024 * 1024)
  })

  describe('behind a connection that fails', () => {
    let proxy: EngineProxy
    let name: string
    beforeAll(async () => {
      proxy = await startProxy(lab.socket, join(lab.dir, 'proxy.sock'))
      name = (await lab.run({ name: 'cut', command: forever() })).name
    })
    afterAll(async () => proxy?.[Symbol.asyncDispose]())

    const notedPid = async () => (await shell(name, 'cat /tmp/pid')).stdout.trim()
    const isStart = (request: string) => request.includes('/start')
    const throughProxy = (script: string) => {
      const request = { command: ['sh', '-c', script], timeoutSeconds: 40 }
      return execStream(connectEngine(proxy.socket), name, request, signal)
    }

    test('a cut in the middle of a frame is STREAM_CUT, and the command is ended', async () => {
      proxy.onAnswer((chunk, count, request) =>
        isStart(request) && count + chunk.length > 1_000_000 ? { cutAfter: chunk.length - 5 } : 'pass',
      )
      const output = await throughProxy('echo $$ > /tmp/pid; exec cat /dev/zero')
      await expect(countBytes(output)).rejects.toMatchObject({ code: 'STREAM_CUT' })
      expect(await isGone(name, await notedPid())).toBe(true)
    })

    test('a cut between two frames is STREAM_CUT too, where the command has not ended', async () => {
      proxy.onAnswer((chunk, _count, request) =>
        isStart(request) && chunk.includes('last line\n') ? { cutAfter: chunk.length } : 'pass',
      )
      const output = await throughProxy('echo $$ > /tmp/pid; echo last line; exec sleep 1000')
      await expect(countBytes(output)).rejects.toMatchObject({ code: 'STREAM_CUT' })
      expect(await isGone(name, await notedPid())).toBe(true)
    })

    test('a cut before the first frame of a command that goes on is STREAM_CUT', async () => {
      proxy.onAnswer((chunk, _count, request) =>
        isStart(request) ? { cutAfter: chunk.indexOf('\r\n\r\n') + 4 } : 'pass',
      )
      await expect(countBytes(await throughProxy('sleep 1000'))).rejects.toMatchObject({ code: 'STREAM_CUT' })
    })

    test('an engine that never answers is left at the abort', async () => {
      proxy.onAnswer(() => 'swallow')
      const timeout = AbortSignal.timeout(300)
      await expect(connectEngine(proxy.socket).list(timeout)).rejects.toMatchObject({ name: 'TimeoutError' })
    })

    test('an answer that breaks off in its middle does not hang', async () => {
      proxy.onAnswer((chunk) => ({ cutAfter: chunk.length - 10 }))
      const timeout = AbortSignal.timeout(1000)
      const failed = await connectEngine(proxy.socket)
        .list(timeout)
        .catch((error: Error) => error)
      expect(failed).toBeInstanceOf(Error)
    })
  })

  describe('that is not there', () => {
    test.each([
      ['no socket at all', async (path: string) => path, /socket enabled/],
      ['a socket nobody listens at', deadSocket, /nobody listens/],
    ])('%s is ENGINE_UNREACHABLE with its path and a hint', async (_what, make, hint) => {
      const path = await make(join(lab.dir, `none-${hint.source.length}.sock`))
      await expect(connectEngine(`unix://${path}`).list(signal)).rejects.toMatchObject({
        code: 'ENGINE_UNREACHABLE',
        message: expect.stringContaining(path),
        hint: expect.stringMatching(hint),
      })
    })

    test('an address of another kind is CONFIG_INVALID', () => {
      expect(() => connectEngine('ssh://core@host/run/podman.sock')).toThrow(/neither unix/)
    })
  })

  test('its service is killed and comes back: the command is STREAM_CUT and ended, events begin anew', async () => {
    await using own = await startLab('engine-restart')
    const { name, id } = await own.run({ name: 'lasting', command: forever() })
    const patient = connectEngine(own.socket)
    const controller = new AbortController()
    const seen: EngineEvent[] = []
    const watching = (async () => {
      for await (const event of patient.events(controller.signal)) seen.push(event)
    })()
    const output = await execStream(
      patient,
      name,
      { command: ['sh', '-c', 'echo $$; exec sleep 1000'], timeoutSeconds: 60 },
      signal,
    )
    const pid = String((await once(output, 'data'))[0]).trim()
    await eventually(() => seen.length === 1, 10, 'the first resync')

    const cut = expect(output.toArray()).rejects.toMatchObject({ code: 'STREAM_CUT' })
    await restartService(own)
    await cut
    const resyncs = () => seen.filter((event) => event.action === 'resync').length
    await eventually(() => resyncs() > 1, 20, 'the second resync')
    const alive = { command: ['sh', '-c', `kill -0 ${pid}`], timeoutSeconds: 10 }
    const isEnded = async () => (await execText(patient, name, alive, signal)).exitCode !== 0
    await eventually(isEnded, 30, `end of process ${pid}`)
    await patient.stop(name, 5, signal)
    await eventually(() => seen.some((event) => event.action === 'die' && event.containerId === id), 10, 'die')
    controller.abort()
    await watching
  })
})

async function countBytes(stream: Readable): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}

/** What a killed service leaves. */
async function deadSocket(path: string): Promise<string> {
  const listen = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', listen]), 'exit')
  return path
}

/** SIGKILL, and a new service noted where the lab looks for it when it is taken down. */
async function restartService(lab: Lab): Promise<void> {
  const note = join(lab.dir, 'service.pid')
  process.kill(Number((await readFile(note, 'utf8')).split(' ')[0]), 'SIGKILL')
  await rm(lab.socket)
  const service = spawn('podman', ['system', 'service', '--time=0', `unix://${lab.socket}`], {
    env: { ...process.env, ...lab.env },
    detached: true,
    stdio: 'ignore',
  })
  const stat = await readFile(`/proc/${service.pid}/stat`, 'utf8')
  await writeFile(note, `${service.pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}\n`)
  service.unref()
}
