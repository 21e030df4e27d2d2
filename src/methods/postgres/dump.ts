import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { keepTail } from '../../lib/tail.ts'
import type { MethodContext } from '../method.ts'
import { watchDump } from '../shared/watch-dump.ts'
import type { PostgresClient } from './client.ts'
import { asDumpError } from './failure.ts'
import type { DumpScan } from './scan-dump.ts'
import { connectTo } from './sql-text.ts'

/** A dump of one database in custom format, uncompressed, which `scan` sees. DUMP_FAILED where it is not whole. */
export async function openDump(
  ctx: MethodContext,
  client: PostgresClient,
  { database, scan }: { database: string; scan: DumpScan },
): Promise<Readable> {
  const source = await client.stream('pg_dump', ['-Fc', '-Z0', '--no-password', '-d', connectTo(database)])
  return watchDump(source, {
    inspect: scan.write,
    finish: scan.finish,
    asError: (cause) => asDumpError(ctx, cause, `the dump of ${database}`),
  })
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
    asError: (cause) => asDumpError(ctx, cause, 'the dump of the roles'),
  })
}
