import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, startLab } from '../../lab/lab.ts'
import type { Engine, EngineEvent } from '../../src/engine/engine.ts'
import { execStream, execText } from '../../src/engine/exec.ts'
import { connectEngine } from '../../src/engine/podman.ts'
import { countBytes, forever } from './engine-lab.ts'
import { type EngineProxy, startProxy } from './engine-proxy.ts'

describe('Podman', () => {
  const { signal } = new AbortController()
  let lab: Lab
  let engine: Engine
  beforeAll(async () => {
    lab = await startLab('engine-connection')
    engine = connectEngine(`unix://${lab.socket}`)
  })
  afterAll(async () => lab?.stop())

  const shell = (id: string, script: string) =>
    execText(engine, id, { command: ['sh', '-c', script], timeoutSeconds: 30 }, signal)
  const isGone = (id: string, pid: string) =>
    eventually(async () => (await shell(id, `kill -0 ${pid}`)).exitCode !== 0, 60, `end of process ${pid}`)

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
      const request = { command: ['sh', '-c', script], timeoutSeconds: 120 }
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
    await eventually(() => seen.length > 0, 60, 'the first resync')

    const cut = expect(output.toArray()).rejects.toMatchObject({ code: 'STREAM_CUT' })
    await restartService(own)
    await cut
    const resyncs = () => seen.filter((event) => event.action === 'resync').length
    await eventually(() => resyncs() > 1, 60, 'the second resync')
    const alive = { command: ['sh', '-c', `kill -0 ${pid}`], timeoutSeconds: 10 }
    const isEnded = async () => (await execText(patient, name, alive, signal)).exitCode !== 0
    await eventually(isEnded, 60, `end of process ${pid}`)
    await patient.stop(name, 5, signal)
    await eventually(() => seen.some((event) => event.action === 'die' && event.containerId === id), 60, 'die')
    controller.abort()
    await watching
  })
})

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
