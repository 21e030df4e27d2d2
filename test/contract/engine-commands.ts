import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { execStream, execText } from '../../src/engine/exec.ts'
import type { EngineBench } from './engine-bench.ts'

const inputBytes = 200 * 1024 * 1024

/** What every Engine does with commands in a container. `open` answers the bench once its containers can run. */
export function commandContract(open: () => EngineBench): void {
  describe('commands', () => {
    const { signal } = new AbortController()
    let bench: EngineBench
    let engine: Engine
    let name: string
    beforeAll(async () => {
      bench = open()
      engine = bench.engine
      name = (await bench.run({ service: 'busy' })).name
    })

    const shell = (id: string, script: string, more: { timeoutSeconds?: number; input?: Readable | string } = {}) =>
      execText(engine, id, { command: ['sh', '-c', script], timeoutSeconds: 60, ...more }, signal)
    const stream = (id: string, script: string, timeoutSeconds = 60) =>
      execStream(engine, id, { command: ['sh', '-c', script], timeoutSeconds }, signal)
    /** True once no process of that number runs beside the container's own. */
    const isGone = (id: string, pid: string) =>
      eventually(async () => (await shell(id, `kill -0 ${pid}`)).exitCode !== 0, 60, `end of process ${pid}`)

    test('answer exit code, output and errors apart', async () => {
      expect(await shell(name, 'echo out; echo err >&2; exit 3')).toEqual({
        exitCode: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      })
    })

    test('get their secrets by the environment', async () => {
      const request = { command: ['sh', '-c', 'echo "$WORD"'], environment: { WORD: 'a=b $c' }, timeoutSeconds: 60 }
      expect((await execText(engine, name, request, signal)).stdout).toBe('a=b $c\n')
    })

    test('that are not in the image are EXEC_FAILED with a hint', async () => {
      const request = { command: ['no-such-program'], timeoutSeconds: 60 }
      await expect(execText(engine, name, request, signal)).rejects.toMatchObject({
        code: 'EXEC_FAILED',
        hint: expect.stringContaining('not found in the image'),
      })
    })

    test('are refused in a container that is paused', async () => {
      const paused = await bench.run({ service: 'held' })
      await engine.pause(paused.name, signal)
      await expect(shell(paused.name, 'true')).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    })

    test('read 200 MB and the end of their input', async () => {
      const block = Buffer.alloc(1024 * 1024, 'The quick brown fox jumps over the lazy dog. ')
      const hash = createHash('sha256')
      const blocks = function* () {
        for (let sent = 0; sent < inputBytes; sent += block.length) {
          hash.update(block)
          yield block
        }
      }
      const input = Readable.from(blocks(), { objectMode: false })
      const { stdout } = await shell(name, 'sha256sum', { input, timeoutSeconds: 200 })
      expect(stdout).toBe(`${hash.digest('hex')}  -\n`)
    })

    test('are not detached by the keys of an attached terminal', async () => {
      const session = await engine.exec(name, { command: ['sh', '-c', 'cat'], stdin: true }, signal)
      // A pause as between keystrokes gives each key a frame of its own. No echo can tell when a key was read, because
      // Podman
      // holds back the first key of a detach sequence until it has seen the next one.
      for (const byte of [0x10, 0x11, 0x1d, 0x1f]) {
        session.input?.write(Buffer.from([byte]))
        await sleep(20)
      }
      session.input?.end()
      expect(Buffer.concat(await session.output.toArray())).toEqual(Buffer.from([0x10, 0x11, 0x1d, 0x1f]))
      expect(await session.exitCode).toBe(0)
    })

    test('that stop reading and fail tell their exit code', async () => {
      const input = Readable.from(repeat(Buffer.alloc(65_536), 1000), { objectMode: false })
      const result = await shell(name, 'head -c 10 >/dev/null; echo too much >&2; exit 9', { input })
      // Podman may lose what a command says that leaves input unread, and says so then; its exit code stays right.
      expect(result).toMatchObject({ exitCode: 9, stderr: expect.stringMatching(/too much|read unixpacket/) })
    })

    test('that stop reading and succeed are a failure all the same', async () => {
      const input = Readable.from(repeat(Buffer.alloc(65_536), 1000), { objectMode: false })
      await expect(shell(name, 'head -c 10', { input })).rejects.toMatchObject({
        code: expect.stringMatching(/EXEC_FAILED|STREAM_CUT/),
      })
    })

    test('end when their input breaks, with its error', async () => {
      const broken = async function* () {
        yield Buffer.from('half')
        throw new Error('the source broke')
      }
      const input = Readable.from(broken(), { objectMode: false })
      await expect(shell(name, 'cat >/dev/null', { input })).rejects.toThrow('the source broke')
    })

    test('stream their output, which ends cleanly after exit code 0', async () => {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of await stream(name, 'yes 0123456789 | head -c 50000000')) {
        hash.update(chunk)
        bytes += chunk.length
      }
      const expected = createHash('sha256').update('0123456789\n'.repeat(4_545_455).slice(0, 50_000_000))
      expect(bytes).toBe(50_000_000)
      expect(hash.digest('hex')).toBe(expected.digest('hex'))
    })

    test('that fail after half their output break the stream, with their last words', async () => {
      const failing = await stream(name, 'echo half; echo disk on fire >&2; exit 1')
      await expect(failing.toArray()).rejects.toMatchObject({
        code: 'EXEC_FAILED',
        message: expect.stringMatching(/exit code 1\n.*disk on fire/s),
      })
    })

    test('are ended in the container by an abort', async () => {
      const controller = new AbortController()
      const request = { command: ['sh', '-c', 'echo $$; sleep 1000 | cat'], timeoutSeconds: 600 }
      const output = await execStream(engine, name, request, controller.signal)
      const pid = await firstLine(output)
      controller.abort(new Error('enough'))
      await expect(output.toArray()).rejects.toThrow('enough')
      expect(await isGone(name, pid)).toBe(true)
    })

    test('are ended in the container by their timeout', async () => {
      const output = await stream(name, 'echo $$; exec sleep 1000', 5)
      const pid = await firstLine(output)
      await expect(output.toArray()).rejects.toMatchObject({ code: 'TIMEOUT' })
      expect(await isGone(name, pid)).toBe(true)
    })

    test('are ended in the container when their reader goes away', async () => {
      const output = await stream(name, 'echo $$; yes')
      const pid = await firstLine(output)
      output.destroy()
      expect(await isGone(name, pid)).toBe(true)
    })

    test('are killed on demand, and killing what has ended is harmless', async () => {
      const session = await engine.exec(name, { command: ['sh', '-c', 'exec sleep 1000'] }, signal)
      session.output.on('error', () => undefined).resume()
      await session.kill()
      const code = await session.exitCode.catch((error) => error.code)
      expect(code).not.toBe(0)
      await session.kill()
    })
  })
}

function* repeat<T>(value: T, times: number): Generator<T> {
  for (let index = 0; index < times; index += 1) yield value
}

/** Reads up to the first line's end and leaves the stream open. */
async function firstLine(stream: Readable): Promise<string> {
  let text = ''
  await eventually(
    () => {
      text += stream.read()?.toString() ?? ''
      return text.includes('\n')
    },
    60,
    'the first line',
  )
  return text.slice(0, text.indexOf('\n'))
}
