const [backtick, quote, backslash, opening, closing, semicolon, letterV] = Buffer.from("`'\\();V")

/** Reads one `INSERT INTO` in chunks. */
export interface InsertScan {
  /** Reads from `start`. Answers where it has stopped: behind the semicolon, or at the end of the chunk. */
  write(chunk: Buffer, start: number): number
  /** Whether the semicolon was read. */
  isDone(): boolean
  table(): string
  /** The number of rows. */
  rows(): number
}

/** Begins after the first backtick of an `INSERT INTO`. The name follows, the columns if they are named, the rows, and a semicolon. */
export function scanInsert(): InsertScan {
  let part: 'name' | 'columns' | 'values' | 'done' = 'name'
  const name: number[] = []
  let inName = true
  let count = 0
  let depth = 0
  let inText = false
  let isEscaped = false

  const readByte = (byte: number) => {
    if (byte === backtick) inName = !inName
    // A backtick that closes the name and opens it again is part of the name.
    if (part === 'name' && inName) name.push(byte)
    else if (part === 'name' && byte !== backtick) part = 'columns'
    // Column names are quoted, so that this can only be VALUES.
    if (part === 'columns' && !inName && byte === letterV) part = 'values'
  }
  const readValues = (chunk: Buffer, start: number): number => {
    let at = start
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (inText) {
        if (isEscaped) isEscaped = false
        else if (byte === backslash) isEscaped = true
        else if (byte === quote) inText = false
      } else if (byte === quote) inText = true
      else if (byte === opening && ++depth === 1) count++
      else if (byte === closing) depth--
      else if (byte === semicolon && depth === 0) {
        part = 'done'
        return at + 1
      }
    }
    return at
  }
  const write = (chunk: Buffer, start: number): number => {
    let at = start
    while (at < chunk.length && part !== 'values') readByte(chunk[at++] as number)
    return readValues(chunk, at)
  }
  return { write, isDone: () => part === 'done', table: () => Buffer.from(name).toString('utf8'), rows: () => count }
}
