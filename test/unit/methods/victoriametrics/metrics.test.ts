import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { refuseFullDisk } from '../../../../src/methods/victoriametrics/metrics.ts'

const container = { name: 'metrics-1' }
const metrics = (free: number) =>
  `vm_free_disk_space_bytes{path="/storage"} ${free}\nvm_free_disk_space_limit_bytes{path="/storage"} 10000000\n`

describe('the room that a snapshot needs', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** The server answers one figure after the other, and goes on with the last one. Returns how often it was asked. */
  const ask = async (...answers: string[]): Promise<number> => {
    let asked = 0
    const client = { ask: async () => answers[Math.min(asked++, answers.length - 1)] ?? '' }
    const sleep = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms))
    await refuseFullDisk({ container, clock: { ...systemClock, sleep }, signal: new AbortController().signal }, client)
    return asked
  }

  test('is there', async () => expect(await ask(metrics(20_000_000))).toBe(1))
  test('is there when the figure of before is measured again', async () =>
    expect(await ask(metrics(5_000_000), metrics(5_000_000), metrics(20_000_000))).toBe(3))
  test('is not asked for from a server that does not show its metrics', async () => expect(await ask('')).toBe(1))
  test('is missing while every figure of four seconds says so', () =>
    expect(ask(metrics(5_000_000))).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringMatching(/5000000 bytes free/),
    }))
})
