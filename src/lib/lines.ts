import type { Readable } from 'node:stream'

/** The lines of a text that ends each with a line feed, and with that alone. What follows the last line feed is a line if it is not empty. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
