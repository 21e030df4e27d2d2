import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { keepTail } from '../../lib/tail.ts'
import type { MethodContext } from '../method.ts'
import { watchDump } from '../shared/watch-dump.ts'
import type { PostgresClient } from './client.ts'
import { asDumpError, describeToolFailure } from './failure.ts'
import { connectTo } from './sql-text.ts'

/** The length of a head that holds the table of contents of some 20,000 tables. */
const headBytes = 8 * 1024 * 1024

/** The first bytes of a dump that went by, for `proveHead`. */
export interface Head {
  chunks: Buffer[]
  /** The length of the whole dump. */
  bytes: number
}

/**
 * A dump in custom format of the very instant of a held snapshot. `onLocked` is called once pg_dump has locked every table against
 * changes of its form.
 */
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
  return watchDump(source, { inspect, finish, asError: (cause) => asDumpError(cause, `the dump of ${database}`) })
}

/**
 * Lets the image's own pg_restore read the table of contents. DUMP_FAILED where it names fewer tables with data than were counted. A
 * table of contents that is longer than the head is not checked, with a warning.
 */
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

/** Dumps roles, memberships and tablespaces as SQL, without passwords where this user may not read them. */
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
  return watchDump(source, {
    inspect: tail.add,
    finish,
    asError: (cause) => asDumpError(cause, 'the dump of the roles'),
  })
}
