/** The last bytes of a stream. A program says there why it failed, or that it is complete. */
export interface Tail {
  add(chunk: Buffer): void
  text(): string
}

/** Keeps the last `limit` bytes of what is added. */
export function keepTail(limit: number): Tail {
  let tail: Buffer = Buffer.alloc(0)
  return {
    add: (chunk) => {
      tail = Buffer.concat([tail, chunk.subarray(-limit)]).subarray(-limit)
    },
    text: () => tail.toString('utf8'),
  }
}
