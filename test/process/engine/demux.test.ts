import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { demultiplex } from '../../../src/engine/demux.ts'

const frames = 40_000
const frameBytes = 8192

/** A child that writes frames of 8 KiB, as Podman cuts them, and then ends `behind` bytes early. */
function spawnEngine(behind = 0) {
  const script = `
    const frame = Buffer.alloc(8 + ${frameBytes}, 7); frame.fill(0, 0, 8); frame[0] = 1; frame.writeUInt32BE(${frameBytes}, 4)
    const block = Buffer.concat(Array.from({ length: 8 }, () => frame))
    let left = ${(frameBytes + 8) * frames - behind}
    const write = () => {
      while (left > 0) {
        const part = block.subarray(0, left); left -= part.length
        if (!process.stdout.write(part)) return process.stdout.once('drain', write)
      }
    }
    write()`
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('a flood behind a reader that stands still costs no memory, and every byte arrives', async () => {
  const child = spawnEngine()
  const demux = demultiplex(child.stdout, () => undefined)
  await once(demux, 'readable')
  const before = process.memoryUsage().rss
  await sleep(1000)
  expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024)
  let bytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done()
    },
  })
  await pipeline(demux, sink)
  expect(bytes).toBe(frames * frameBytes)
})

test('a process that dies within its last frame is STREAM_CUT after all its bytes', async () => {
  const child = spawnEngine(1)
  let bytes = 0
  const reading = (async () => {
    for await (const chunk of demultiplex(child.stdout, () => undefined)) bytes += chunk.length
  })()
  await expect(reading).rejects.toMatchObject({ code: 'STREAM_CUT' })
  expect(bytes).toBe(frames * frameBytes - 1)
})
