import { Readable } from 'node:stream'
import type { DatabaseFacts } from './cluster.ts'
import { quoteText } from './sql-text.ts'

/** The statement by which each dump empties the search path. It stands in the first entries of an archive, and in the first lines of a text. */
const emptyPath = `SELECT pg_catalog.set_config('search_path', '', false);`

/** An archive begins with the statements for the encoding, the strings and the search path. */
const headBytes = 64 * 1024

/** The search path that the clients of a database have, as one text: its own setting, or the server's default. */
export function searchPathOf({ settings }: DatabaseFacts): string {
  const own = settings.find(({ role }) => role === null)?.values ?? []
  const setting = own.find((value) => value.startsWith('search_path='))
  return setting?.slice('search_path='.length) ?? '"$user", public'
}

/**
 * Passes a dump on that sets `path` instead of the empty search path. An archive holds the statement with its length before it; see
 * `readArchive`. A dump without the statement stays as it is.
 */
export function withSearchPath(dump: Readable, path: string): Readable {
  return Readable.from(replaceIn(dump, path), { objectMode: false })
}

async function* replaceIn(dump: AsyncIterable<Buffer>, path: string): AsyncIterable<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of dump) {
    if (!head) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < headBytes) continue
    yield replacePath(head, path)
    head = undefined
  }
  if (head) yield replacePath(head, path)
}

function replacePath(head: Buffer, path: string): Buffer {
  const at = head.indexOf(emptyPath)
  if (at < 0) return head
  const end = at + emptyPath.length
  const statement = Buffer.from(emptyPath.replace(`''`, quoteText(path).trim()))
  const isArchive = head.toString('latin1', 0, 5) === 'PGDMP'
  if (!isArchive) return Buffer.concat([head.subarray(0, at), statement, head.subarray(end)])
  const lengthAt = at - (head[8] as number)
  const length = Buffer.from(head.subarray(lengthAt, at))
  length.writeUInt32LE(length.readUInt32LE(0) + statement.length - emptyPath.length, 0)
  return Buffer.concat([head.subarray(0, lengthAt), length, statement, head.subarray(end)])
}
