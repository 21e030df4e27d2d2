import { describe, expect, test } from 'vitest'
import { makePlainProgress, makeTerminalProgress } from '../../../../src/cli/render/progress.ts'
import type { Screen } from '../../../../src/cli/render/screen.ts'
import { systemClock } from '../../../../src/lib/clock.ts'

function makeStage() {
  const stage = { nowMs: 0, lines: [] as string[], written: '', draws: 0 }
  const screen: Screen = {
    write: (text) => {
      stage.written += text
    },
    live: (lines) => {
      stage.lines = lines
      stage.draws++
    },
  }
  return { stage, screen, clock: { ...systemClock, monotonicMs: () => stage.nowMs } }
}

const MiB = 1024 ** 2

describe('on a terminal', () => {
  test('a target shows step, bytes, rate and time left', () => {
    const { stage, screen, clock } = makeStage()
    const progress = makeTerminalProgress(screen, clock, new Map([['shop/files', 300 * MiB]]))
    progress.step('shop/files', 'copying')
    stage.nowMs = 2000
    progress.bytes('shop/files', 100 * MiB)
    expect(stage.lines).toEqual(['shop/files  copying  33 %, 100 MiB of about 300 MiB, 50.0 MiB/s, 4.0 s left'])
  })

  test('more than was expected is never all of it while it goes on', () => {
    const { stage, screen, clock } = makeStage()
    const progress = makeTerminalProgress(screen, clock, new Map([['shop/files', MiB]]))
    progress.step('shop/files', 'copying')
    stage.nowMs = 1000
    progress.bytes('shop/files', 2 * MiB)
    expect(stage.lines).toEqual(['shop/files  copying  99 %, 2.0 MiB of about 1.0 MiB, 2.0 MiB/s'])
  })

  test('without a known total no time left is shown', () => {
    const { stage, screen, clock } = makeStage()
    const progress = makeTerminalProgress(screen, clock, new Map())
    progress.step('shop/files', 'copying')
    stage.nowMs = 1000
    progress.bytes('shop/files', MiB)
    expect(stage.lines).toEqual(['shop/files  copying  1.0 MiB, 1.0 MiB/s'])
  })

  test('a new step counts from zero, and each target has a line', () => {
    const { stage, screen, clock } = makeStage()
    const progress = makeTerminalProgress(screen, clock, new Map())
    progress.bytes('shop/files', MiB)
    progress.step('shop/files', 'packing')
    progress.step('shop/redis', 'copying')
    expect(stage.lines).toEqual(['shop/files  packing', 'shop/redis  copying'])
  })

  test('the lines are drawn at most five times a second, and removed at the end', () => {
    const { stage, screen, clock } = makeStage()
    const progress = makeTerminalProgress(screen, clock, new Map())
    for (; stage.nowMs < 1000; stage.nowMs++) progress.bytes('shop/files', 1)
    expect(stage.draws).toBe(5)
    progress[Symbol.dispose]()
    expect(stage.lines).toEqual([])
  })
})

test('a pipe gets a line for each step and no bytes', () => {
  const { stage, screen } = makeStage()
  const progress = makePlainProgress(screen)
  progress.step('shop/files', 'copying')
  progress.bytes('shop/files', MiB)
  expect(stage.written).toBe('shop/files: copying\n')
})
