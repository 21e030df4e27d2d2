import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { keepTail } from '../../lib/tail.ts'
import type { MethodContext } from '../method.ts'
import { watchDump } from '../shared/watch-dump.ts'
import type { MariadbClient } from './client.ts'
import { asDumpError } from './failure.ts'
import type { DatabaseFacts } from './inventory.ts'
import type { DumpScan } from './scan-dump.ts'

const dumpOptions = [
  ...['--single-transaction', '--skip-lock-tables', '--quick', '--routines', '--events', '--triggers', '--hex-blob'],
  ...['--comments', '--no-tablespaces', '--default-character-set=utf8mb4', '--max-allowed-packet=1G'],
]
/** Only some versions of mysqldump know these options, and exactly those versions fail without them. */
const mysqlOptions = ['--loose-set-gtid-purged=OFF', '--loose-column-statistics=0']

const endMark = /(^|\n)-- Dump completed[^\n]*\s*$/

/** Dumps all databases in one transaction, and so in one instant. `scan` sees every byte; `history` are the options of `historyOptions`. DUMP_FAILED where the dump has no end. */
export async function openDump(
  ctx: MethodContext,
  client: MariadbClient,
  { names, scan, history }: { names: string[]; scan: DumpScan; history: string[] },
): Promise<Readable> {
  const own = client.server.product === 'mysql' ? mysqlOptions : []
  const source = await client.stream('dump', [...dumpOptions, ...own, ...history, '--databases', '--', ...names])
  const tail = keepTail(1024)
  const inspect = (chunk: Buffer) => {
    scan.write(chunk)
    tail.add(chunk)
  }
  const finish = () => {
    if (tail.text() === '') throw new BackupError('DUMP_FAILED', 'the dump came out empty')
    if (!endMark.test(tail.text()))
      throw new BackupError('DUMP_FAILED', 'the dump has no end: its last line is missing')
  }
  return watchDump(source, { inspect, finish, asError: (cause) => withViewHint(asDumpError(ctx, cause, 'the dump')) })
}

/**
 * DUMP_FAILED where a table that was there before and is there after the dump is not in it. The image's own configuration can cause that
 * by an `ignore-table`.
 */
export function refuseMissingTables(before: DatabaseFacts[], after: DatabaseFacts[], { rows }: DumpScan): void {
  const stayed = new Set(after.flatMap(({ name, tables }) => tables.map((table) => JSON.stringify([name, table.name]))))
  for (const { name, tables } of before) {
    const missing = tables.find(
      (table) => stayed.has(JSON.stringify([name, table.name])) && !rows.get(name)?.has(table.name),
    )
    if (missing) throw new BackupError('DUMP_FAILED', `the dump lacks table ${name}.${missing.name}`)
  }
}

/** Error 1356 says that a view names a table or column that is gone. One such view fails the dump of all databases. */
function withViewHint(error: BackupError): BackupError {
  if (!/\(1356\)/.test(error.message)) return error
  const hint = 'No snapshot was kept. Correct or drop the view named above: it cannot be used as it is.'
  return new BackupError(error.code, error.message, { hint })
}
