import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { longSeconds } from '../../lib/deadline.ts'
import { type PostgresClient, psqlArguments } from './client.ts'
import { asDumpError } from './failure.ts'

/** A transaction that is held open and sees one instant of a database, which can be dumped and counted. */
export interface SnapshotSession extends AsyncDisposable {
  /** The name for `pg_dump --snapshot`. It is valid while the session lives. */
  readonly snapshot: string
  /** Runs a psql script within the transaction and answers the lines that it prints. One script at a time. */
  ask(sql: string): Promise<string[]>
}

/** Lifts two limits that only some versions know. The client lifts the others for every call. */
const begin = `SELECT set_config(name, '0', false) FROM pg_settings
  WHERE name IN ('idle_session_timeout', 'transaction_timeout') \\g /dev/null
SET row_security = off;
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT pg_export_snapshot();`

/** Begins a transaction in `database` and holds it until it is disposed. */
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
  // How the session ends does not matter: every question has been answered by then, or has failed.
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

/** Reads a stream line by line. It rejects where the stream fails, and where it ends although a line was wanted. */
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
