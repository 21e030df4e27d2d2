import { unquoteName } from './text.ts'

const newline = 0x0a
/** Longer than any line that means something here. */
const headBytes = 1024

/** A line by which newer versions of mariadb-dump open; older clients and those of MySQL fail on it. */
const isSandboxLine = (line: string): boolean => /^\/\*M?!999999\\- /.test(line)

/**
 * The bytes of a dump that belong to these databases, and those that belong to none: its head. Sections begin with a comment, and a
 * database has two: its tables and, after those of all databases, its views.
 */
export async function* onlyDatabases(dump: AsyncIterable<Buffer>, names: readonly string[]): AsyncIterable<Buffer> {
  let wanted = true
  let inBody = false
  let passes = true
  /** What is known of the current line while it is not yet judged. */
  let head: Buffer | undefined = Buffer.alloc(0)

  const judge = (line: string): boolean => {
    const delimiter = line.match(/^DELIMITER (\S+)$/)
    if (delimiter) inBody = delimiter[1] !== ';'
    const section = inBody ? undefined : line.match(/^-- Current Database: `((?:[^`]|``)+)`$/)?.[1]
    if (section !== undefined) wanted = names.includes(unquoteName(section))
    return wanted && !isSandboxLine(line)
  }
  for await (const chunk of dump) {
    const out: Buffer[] = []
    for (let start = 0; start < chunk.length; ) {
      const found = chunk.indexOf(newline, start)
      const end = found < 0 ? chunk.length : found + 1
      const piece = chunk.subarray(start, end)
      start = end
      if (!head) {
        if (passes) out.push(piece)
      } else {
        head = Buffer.concat([head, piece])
        if (found < 0 && head.length < headBytes) continue
        passes = judge(head.toString('utf8').trimEnd())
        if (passes) out.push(head)
      }
      head = found < 0 ? undefined : Buffer.alloc(0)
    }
    if (out.length > 0) yield Buffer.concat(out)
  }
  if (head && head.length > 0 && wanted) yield head
}
