import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Io } from './io.ts'

/** The process's own streams. A reader that goes away (`| head`) ends nothing: the command still finishes its work. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreBrokenPipe)
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    userId: process.getuid?.(),
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  }
}

function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** On stderr, so that stdout stays for the result. The end of the input ends the question, too. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  using lines = createInterface({ input: process.stdin, output: process.stderr })
  // Raw mode keeps Ctrl-C from becoming a signal; here it means the same.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = once(lines, 'close').then(() => '')
  return await Promise.race([lines.question(question, { signal }), closed])
}
