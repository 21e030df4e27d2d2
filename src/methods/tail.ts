/** The last kilobyte of a stream that goes by, where a program leaves the mark of its end. */
export interface Tail {
  readonly text: string
  add(chunk: Buffer): void
}

const kept = 1024

export function keepTail(): Tail {
  let text = ''
  return {
    get text() {
      return text
    },
    add: (chunk) => {
      text = (text + chunk.toString('latin1', Math.max(0, chunk.length - kept))).slice(-kept)
    },
  }
}
