/** The last bytes of a stream that goes by: where a program says why it failed, or leaves the mark of its end. */
export interface Tail {
  add(chunk: Buffer): void
  text(): string
}

export function keepTail(limit: number): Tail {
  let tail: Buffer = Buffer.alloc(0)
  return {
    add: (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-limit)]).subarray(-limit)
    },
    text: () => tail.toString('utf8'),
  }
}
