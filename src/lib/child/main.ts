/** The program of a child process: see `in-child.ts`. It does one call after the other until its parent is gone. */
import { flushCompileCache } from 'node:module'
import { decodeArguments, decodeFailure, encodeFailure, type FromChild, type ToChild } from './messages.ts'

/** Milliseconds between two signs of life, and between two reports of what was counted. */
const BEAT_MS = 1000
const COUNT_MS = 100

let running: AbortController | undefined

process.on('message', (message: ToChild) => {
  if (message.kind === 'abort') running?.abort(decodeFailure(message.reason))
  else void answer(message)
})
// Nobody is there any more who would wait for the end of the work, or know of it.
process.on('disconnect', () => process.exit(1))

async function answer({ module, name, args }: ToChild & { kind: 'call' }): Promise<void> {
  running = new AbortController()
  const beat = setInterval(() => say({ kind: 'alive' }), BEAT_MS)
  const counts = countTogether()
  try {
    const functions = (await import(module)) as Record<string, (...args: unknown[]) => unknown>
    flushCompileCache() // A child is killed when it is not needed any more, and would write no cache at its end.
    const value = await functions[name]?.(...decodeArguments(args, running.signal, counts.tell))
    counts.flush()
    say({ kind: 'done', value })
  } catch (error) {
    counts.flush()
    say({ kind: 'failed', failure: encodeFailure(error) })
  } finally {
    clearInterval(beat)
  }
}

function say(message: FromChild): void {
  process.send?.(message)
}

/** Passes on what a callback is told. Numbers are counts, and thousands a second: they are added up for a while. */
function countTogether() {
  const counts = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    for (const [callback, value] of counts) say({ kind: 'tell', callback, value })
    counts.clear()
  }
  const tell = (callback: number, value: unknown) => {
    if (typeof value !== 'number') return say({ kind: 'tell', callback, value })
    counts.set(callback, (counts.get(callback) ?? 0) + value)
    timer ??= setTimeout(flush, COUNT_MS)
  }
  return { tell, flush }
}
