import { expect, test } from 'vitest'
import { makeScreen } from '../../../../src/cli/render/screen.ts'

function makeSink(isTTY: boolean) {
  const sink = { text: '', isTTY, columns: 20, write: (text: string) => (sink.text += text) }
  return sink
}

test('text appears above the live lines', () => {
  const sink = makeSink(true)
  const screen = makeScreen(sink)
  screen.live(['redis  capture', 'files  capture'])
  screen.write('a log line\n')
  screen.live([])
  const up = '\x1b[2A\x1b[J'
  const lines = 'redis  capture\nfiles  capture\n'
  expect(sink.text).toBe(`${lines}${up}a log line\n${lines}${up}`)
})

test('a live line is cut to the width of the terminal', () => {
  const sink = makeSink(true)
  makeScreen(sink).live(['x'.repeat(50)])
  expect(sink.text).toBe(`${'x'.repeat(19)}\n`)
})

test('a pipe gets no live lines and no escape codes', () => {
  const sink = makeSink(false)
  const screen = makeScreen(sink)
  screen.live(['redis  capture'])
  screen.write('a log line\n')
  expect(sink.text).toBe('a log line\n')
})
