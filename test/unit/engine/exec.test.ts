import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { execStream, execText } from '../../../src/engine/exec.ts'
import { type FakeAnswer, fakeEngine } from '../../fakes/engine.ts'

const { signal } = new AbortController()
const request = { command: ['dump'], timeoutSeconds: 5 }
const answering = (answer: FakeAnswer) => fakeEngine({ containers: [{ name: 'db' }], commands: [() => answer] })

describe('execText', () => {
  test('passes a failure on as a result', async () => {
    const engine = answering({ stdout: 'a', stderr: 'b', exitCode: 2 })
    expect(await execText(engine, 'db', request, signal)).toEqual({ exitCode: 2, stdout: 'a', stderr: 'b' })
  })

  test('takes exit code 127 of a shell for a result, of the runtime for EXEC_FAILED', async () => {
    const shell = answering({ stderr: 'sh: 1: nosuch: not found', exitCode: 127 })
    expect((await execText(shell, 'db', request, signal)).exitCode).toBe(127)
    const none = fakeEngine({ containers: [{ name: 'db' }] })
    await expect(execText(none, 'db', request, signal)).rejects.toMatchObject({
      code: 'EXEC_FAILED',
      hint: expect.stringContaining('not found in the image'),
    })
  })

  test('says that an image has no shell, and what to do then', async () => {
    const stderr = 'OCI runtime exec failed: exec: "/bin/sh": stat /bin/sh: no such file or directory'
    const error = {
      code: 'TOOL_MISSING',
      message: 'there is no /bin/sh in db',
      hint: expect.stringContaining('=files'),
    }
    const scripted = { ...request, command: ['/bin/sh', '-c', 'true'] }
    await expect(execText(answering({ stderr, exitCode: 127 }), 'db', scripted, signal)).rejects.toMatchObject(error)
    await expect(
      execStream(answering({ stderr, exitCode: 126 }), 'db', scripted, signal).then((stream) => stream.toArray()),
    ).rejects.toMatchObject(error)
  })

  test('refuses a cut stream, whatever the exit code', async () => {
    const engine = answering({ stdout: 'half', cut: true })
    await expect(execText(engine, 'db', request, signal)).rejects.toMatchObject({ code: 'STREAM_CUT' })
  })

  test('refuses more than 16 MiB of output', async () => {
    const engine = answering({ stdout: Buffer.alloc(16 * 1024 * 1024 + 1) })
    await expect(execText(engine, 'db', request, signal)).rejects.toMatchObject({
      message: expect.stringContaining('16 MiB'),
    })
  })

  test('closes an input that never found its command', async () => {
    const input = Readable.from(['x'])
    await expect(execText(fakeEngine(), 'db', { ...request, input }, signal)).rejects.toMatchObject({
      code: 'NO_SUCH_CONTAINER',
    })
    expect(input.destroyed).toBe(true)
  })
})

describe('execStream', () => {
  const read = async (answer: FakeAnswer) => (await execStream(answering(answer), 'db', request, signal)).toArray()

  test('ends cleanly after exit code 0', async () => {
    expect(Buffer.concat(await read({ stdout: 'whole' })).toString()).toBe('whole')
  })

  test('breaks with the last five lines of a failing command, by its first word alone', async () => {
    const stderr = '1\n2\n3\n4\n5\n6\n'
    await expect(read({ stdout: 'half', stderr, exitCode: 1 })).rejects.toMatchObject({
      code: 'EXEC_FAILED',
      message: 'dump in db: exit code 1\n2\n3\n4\n5\n6',
    })
  })

  test('names the error of a command that quotes a long statement after it', async () => {
    const stderr = `ERROR:  out of shared memory\n${'part of a statement\n'.repeat(20)}`
    await expect(read({ stdout: 'half', stderr, exitCode: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('exit code 1\nERROR:  out of shared memory\npart of a statement\n'),
    })
  })

  test('breaks where the transmission was cut, though the command ended well', async () => {
    await expect(read({ stdout: 'half', cut: true, exitCode: 0 })).rejects.toMatchObject({ code: 'STREAM_CUT' })
  })

  test('breaks with TIMEOUT where the command does not end', async () => {
    const silent = Readable.from(
      (async function* () {
        yield Buffer.from('begin')
        await new Promise(() => undefined)
      })(),
    )
    const engine = answering({ stdout: silent })
    const output = await execStream(engine, 'db', { ...request, timeoutSeconds: 0.05 }, signal)
    await expect(output.toArray()).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})
