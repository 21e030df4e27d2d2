import { followBodies, headBytes } from './dump-lines.ts'
import { unquoteName } from './sql-text.ts'

const newline = 0x0a

/** Newer versions of mariadb-dump begin with such a line, and older clients and those of MySQL fail on it. */
const isSandboxLine = (line: string): boolean => /^\/\*M?!999999\\- /.test(line)

/** Whole lines of SQL that are put before and after a line of a dump. */
export interface Insertion {
  before?: string
  after?: string
}

/**
 * Passes on the head of a dump and the sections of the databases `names`. A section begins with a comment. A database has two of them:
 * one for its tables and, after the tables of all databases, one for its views. `insert` sees each line that is passed on, except the
 * bodies of routines and lines that are longer than `headBytes`.
 */
export async function* onlyDatabases(
  dump: AsyncIterable<Buffer>,
  names: readonly string[],
  insert: (line: string) => Insertion = () => ({}),
): AsyncIterable<Buffer> {
  const judge = lineJudge(names)
  /** Whether the current line is passed on. It means something only once the line was judged. */
  let passes = true
  /** The beginning of the current line while it is not yet judged. */
  let head: Buffer | undefined = Buffer.alloc(0)

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
        const line = head.toString('utf8').trimEnd()
        passes = judge(line)
        const { before = '', after = '' } = passes && found >= 0 && !judge.isInBody() ? insert(line) : {}
        if (passes) out.push(Buffer.from(before), head, Buffer.from(after))
      }
      head = found < 0 ? undefined : Buffer.alloc(0)
    }
    if (out.length > 0) yield Buffer.concat(out)
  }
  if (head && head.length > 0 && judge.isWanted()) yield head
}

/** Answers for each line of a dump whether it is passed on. */
function lineJudge(names: readonly string[]) {
  let wanted = true
  let inBody = false
  const follow = followBodies()
  const judge = (line: string): boolean => {
    inBody = follow(line)
    const section = inBody ? undefined : line.match(/^-- Current Database: `((?:[^`]|``)+)`$/)?.[1]
    if (section !== undefined) wanted = names.includes(unquoteName(section))
    return wanted && !isSandboxLine(line)
  }
  return Object.assign(judge, { isWanted: () => wanted, isInBody: () => inBody })
}
