import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { longSeconds } from '../../lib/deadline.ts'
import { type PostgresClient, psqlArguments } from './client.ts'
import { asDumpError } from './dump.ts'

/** A transaction held open that sees one instant of a database. Its snapshot can be dumped and counted. */
export interface SnapshotSession extends AsyncDisposable {
  /** For `pg_dump --snapshot`; good while the session lives. */
  readonly snapshot: string
  /** Lines that a psql script prints, within the transaction. One script at a time. */
  ask(sql: string): Promise<string[]>
}

/** Limits that only some versions know; the others are lifted for every call. */
const begin = `SELECT set_config(name, '0', false) FROM pg_settings
  WHERE name IN ('idle_session_timeout', 'transaction_timeout') \\g /dev/null
SET row_security = off;
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT pg_export_snapshot();`

export async function holdSnapshot(client: PostgresClient, database: string): Promise<SnapshotSession> {
  const input = new PassThrough()
  const output = await client.stream('psql', psqlArguments(database), { input, timeoutSeconds: longSeconds })
  const readLine = lineReader(output)
  const nextLine = () =>
    readLine().catch((cause) => {
      throw asDumpError(cause, `the transaction that counts ${database}`)
    })
  let questions = 0
  let asking = false

  const ask = async (sql: string): Promise<string[]> => {
    asking = true
    const end = `end of answer ${++questions}`
    input.write(`${sql}\nSELECT '${end}';\n`)
    const lines: string[] = []
    for (let line = await nextLine(); line !== end; line = await nextLine()) lines.push(line)
    asking = false
    return lines
  }
  // Nothing hangs on how it ends: what was asked has been answered, or has failed already.
  const dispose = async () => {
    input.end()
    if (asking) output.destroy()
    else await buffer(output).catch(() => undefined)
  }
  try {
    const snapshot = (await ask(begin)).at(-1) ?? ''
    return { snapshot, ask, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    input.end()
    output.destroy()
    throw error
  }
}

/** Rejects where the stream fails, and where it ends although a line was wanted. */
function lineReader(stream: AsyncIterable<Buffer>): () => Promise<string> {
  const chunks = stream[Symbol.asyncIterator]()
  let rest = Buffer.alloc(0)
  return async () => {
    for (;;) {
      const end = rest.indexOf('\n')
      if (end >= 0) {
        const line = rest.toString('utf8', 0, end)
        rest = rest.subarray(end + 1)
        return line
      }
      const { value, done } = await chunks.next()
      if (done) throw new Error('psql ended before it had answered')
      rest = Buffer.concat([rest, value])
    }
  }
}
