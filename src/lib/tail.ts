/** The last bytes of a stream. A program says there why it failed, or that it is complete. */
export interface Tail {
  add(chunk: Buffer): void
  text(): string
}

/** Keeps what is added up to `limit` bytes, and of more the first and the last half: an error may stand before a long statement. */
export function keepEnds(limit: number): Tail {
  const half = limit / 2
  let head: Buffer = Buffer.alloc(0)
  let bytes = 0
  const tail = keepTail(limit)
  return {
    add: (chunk) => {
      head = Buffer.concat([head, chunk.subarray(0, half - head.length)])
      bytes += chunk.length
      tail.add(chunk)
    },
    text: () => {
      if (bytes <= limit) return tail.text()
      return `${head.toString('utf8')}\n…\n${tail.text().slice(-half)}`
    },
  }
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
