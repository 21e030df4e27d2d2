import { Readable } from 'node:stream'
import { asBackupError, BackupError } from '../../errors.ts'
import { keepTail } from '../../lib/tail.ts'
import type { MethodContext } from '../method.ts'
import { describeToolFailure, judgeServer, type PostgresClient } from './client.ts'
import { connectTo } from './text.ts'

/** Enough for the table of contents of some 20,000 tables. */
const headBytes = 8 * 1024 * 1024

/** The head of a dump that went by, for `proveHead`. */
export interface Head {
  chunks: Buffer[]
  bytes: number
}

/** A dump in custom format of the very instant of a held snapshot. `onLocked`: every table is locked against changes of its form. */
export async function openDump(
  client: PostgresClient,
  { database, snapshot, head, onLocked }: { database: string; snapshot: string; head: Head; onLocked: () => void },
): Promise<Readable> {
  const args = ['-Fc', '-Z0', '--no-password', `--snapshot=${snapshot}`, '-d', connectTo(database)]
  const source = await client.stream('pg_dump', args)
  const inspect = (chunk: Buffer) => {
    if (head.bytes === 0) {
      if (!'PGDMP'.startsWith(chunk.toString('latin1', 0, 5)))
        throw new BackupError('DUMP_FAILED', 'pg_dump wrote no dump')
      onLocked()
    }
    if (head.bytes < headBytes) head.chunks.push(chunk)
    head.bytes += chunk.length
  }
  const finish = () => {
    if (head.bytes === 0) throw new BackupError('DUMP_FAILED', `the dump of ${database} came out empty`)
  }
  return watched(source, `the dump of ${database}`, inspect, finish)
}

/** The image's own pg_restore reads the table of contents, which must name as many tables with data as were counted. */
export async function proveHead(ctx: MethodContext, client: PostgresClient, head: Head, tables: number): Promise<void> {
  const input = Readable.from(head.chunks)
  const result = await client.run('pg_restore', ['-l'], { input, drainInput: true, timeoutSeconds: 300 })
  if (result.exitCode !== 0 && head.bytes > headBytes && /end of file|could not read/i.test(result.stderr)) {
    ctx.warn('the table of contents of the dump is too long to be checked')
    return
  }
  if (result.exitCode !== 0) throw describeToolFailure(ctx, 'pg_restore', result, 'DUMP_FAILED')
  const named = result.stdout.match(/^\d+; \d+ \d+ TABLE DATA /gm)?.length ?? 0
  if (named < tables) throw new BackupError('DUMP_FAILED', `the dump holds the data of ${named} tables of ${tables}`)
}

const endMark = '-- PostgreSQL database cluster dump complete'

/** Roles, memberships and tablespaces as SQL, without passwords where this user may not read them. */
export async function openGlobals(ctx: MethodContext, client: PostgresClient): Promise<Readable> {
  const { superuser } = client.server
  if (!superuser) ctx.warn('the user of the backup is no superuser: passwords of roles are not in it')
  const source = await client.stream('pg_dumpall', [
    ...['--globals-only', '--no-password'],
    ...(superuser ? [] : ['--no-role-passwords']),
  ])
  const tail = keepTail(1024)
  const finish = () => {
    if (!tail.text().includes(endMark)) throw new BackupError('DUMP_FAILED', 'the dump of the roles has no end')
  }
  return watched(source, 'the dump of the roles', tail.add, finish)
}

/** Bytes as they are, looked at; what ends the source ends the result as DUMP_FAILED or as what it really was. */
function watched(source: Readable, what: string, inspect: (chunk: Buffer) => void, finish: () => void): Readable {
  const bytes = async function* () {
    try {
      for await (const chunk of source) {
        inspect(chunk)
        yield chunk
      }
      finish()
    } catch (cause) {
      throw asDumpError(cause, what)
    }
  }
  return Readable.from(bytes(), { objectMode: false })
}

/** A failed program is a failed dump; a cut stream, a timeout and an abort stay what they are. */
export function asDumpError(cause: unknown, what: string): BackupError {
  const error = asBackupError(cause, 'DUMP_FAILED')
  if (error.code !== 'EXEC_FAILED') return error
  if (/exit code 12[67]\b/.test(error.message))
    return new BackupError('TOOL_MISSING', `${what}: its program is not in the image`, { cause })
  return judgeServer(error.message) ?? new BackupError('DUMP_FAILED', `${what} failed: ${error.message}`, { cause })
}
