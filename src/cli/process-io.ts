import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Io } from './io.ts'

/** The streams of this process. A reader that goes away, as in `| head` or a closed terminal, does not end the command, which finishes its work. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreLostReader)
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    userId: process.getuid?.(),
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  }
}

/** A pipe without a reader answers EPIPE, and a terminal that was closed EIO. */
function ignoreLostReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
}

/** Asks on stderr, because stdout is for the result. When the input ends, the answer is empty. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  using lines = createInterface({ input: process.stdin, output: process.stderr })
  // In raw mode Ctrl-C is a key and no signal, so the signal is sent here.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = once(lines, 'close').then(() => '')
  return await Promise.race([lines.question(question, { signal }), closed])
}
