import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { demultiplex } from '../../../src/engine/demux.ts'
import { frame } from '../../support/frames.ts'

async function read(chunks: Iterable<Buffer>): Promise<{ stdout: string; stderr: string }> {
  const stderr: Buffer[] = []
  const socket = Readable.from(chunks, { objectMode: false })
  const stdout = await demultiplex(socket, (bytes) => stderr.push(Buffer.from(bytes))).toArray()
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

const whole = Buffer.concat([frame(1, 'one '), frame(2, 'oops'), frame(1, ''), frame(1, 'two')])

describe('the demultiplexer', () => {
  test('parts output and errors', async () => {
    expect(await read([whole])).toEqual({ stdout: 'one two', stderr: 'oops' })
  })

  test('does so however the bytes are cut into chunks', async () => {
    const cuts = fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(cuts, async (offsets) => {
        const edges = [0, ...offsets.sort((a, b) => a - b), whole.length]
        const chunks = edges.slice(1).map((end, index) => whole.subarray(edges[index], end))
        expect(await read(chunks.filter((chunk) => chunk.length > 0))).toEqual({
          stdout: 'one two',
          stderr: 'oops',
        })
      }),
    )
  })

  test('calls every end within a frame STREAM_CUT, and none between two', async () => {
    const between = new Set([0, 12, 24, 32, whole.length])
    for (let end = 0; end <= whole.length; end += 1) {
      const result = read([whole.subarray(0, end)].filter((chunk) => chunk.length > 0))
      if (between.has(end)) await expect(result).resolves.toBeDefined()
      else await expect(result).rejects.toMatchObject({ code: 'STREAM_CUT' })
    }
  })

  test.each([
    ['an unknown stream type', Buffer.from([3, 0, 0, 0, 0, 0, 0, 1, 65])],
    ['the type of standard input', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 65])],
    ['padding that is not zero', Buffer.from([1, 0, 7, 0, 0, 0, 0, 1, 65])],
    ['text instead of frames, as of a terminal', Buffer.from('-- PostgreSQL database dump\n')],
    ['a frame of more than 16 MiB', Buffer.from([1, 0, 0, 0, 1, 0, 0, 1, 65])],
  ])('refuses %s', async (_what, bytes) => {
    await expect(read([bytes])).rejects.toMatchObject({ code: 'STREAM_CUT' })
  })

  test('calls a broken socket STREAM_CUT', async () => {
    const socket = new PassThrough()
    const reading = demultiplex(socket, () => undefined).toArray()
    const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    socket.destroy(broken)
    await expect(reading).rejects.toMatchObject({ code: 'STREAM_CUT', cause: broken })
  })

  test('calls a socket that was closed without an end STREAM_CUT', async () => {
    const socket = new PassThrough()
    const output = demultiplex(socket, () => undefined)
    socket.write(whole)
    socket.destroy()
    await expect(output.toArray()).rejects.toMatchObject({ code: 'STREAM_CUT' })
  })

  test('leaves the reason of whoever destroys it alone, and closes the socket', async () => {
    const socket = new PassThrough()
    const output = demultiplex(socket, () => undefined)
    const enough = new DOMException('enough', 'AbortError')
    output.destroy(enough)
    await expect(output.toArray()).rejects.toBe(enough)
    expect(socket.destroyed).toBe(true)
  })
})
