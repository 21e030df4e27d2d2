import { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import { keepTail } from '../../lib/tail.ts'
import type { MariadbClient } from './client.ts'
import { asDumpError } from './failure.ts'
import type { DatabaseFacts } from './inventory.ts'
import type { DumpScan } from './scan.ts'

const dumpOptions = [
  ...['--single-transaction', '--skip-lock-tables', '--quick', '--routines', '--events', '--triggers', '--hex-blob'],
  ...['--comments', '--no-tablespaces', '--default-character-set=utf8mb4', '--max-allowed-packet=1G'],
]
/** Some versions of mysqldump alone know them, and the same ones stumble without. */
const mysqlOptions = ['--loose-set-gtid-purged=OFF', '--loose-column-statistics=0']

const endMark = /(^|\n)-- Dump completed[^\n]*\s*$/

/** All databases in one dump, in one transaction: one instant of all of them. */
export async function openDump(client: MariadbClient, names: string[], scan: DumpScan): Promise<Readable> {
  const own = client.server.product === 'mysql' ? mysqlOptions : []
  const source = await client.stream('dump', [...dumpOptions, ...own, '--databases', '--', ...names])
  const tail = keepTail(1024)
  const bytes = async function* () {
    try {
      for await (const chunk of source) {
        scan.write(chunk)
        tail.add(chunk)
        yield chunk
      }
    } catch (cause) {
      throw withViewHint(asDumpError(cause, 'the dump'))
    }
    if (tail.text() === '') throw new BackupError('DUMP_FAILED', 'the dump came out empty')
    if (!endMark.test(tail.text()))
      throw new BackupError('DUMP_FAILED', 'the dump has no end: its last line is missing')
  }
  return Readable.from(bytes(), { objectMode: false })
}

/** DUMP_FAILED where a table that was there before and is there after the dump is not in it, as an `ignore-table` of the image's own configuration does it. */
export function refuseMissingTables(before: DatabaseFacts[], after: DatabaseFacts[], { rows }: DumpScan): void {
  const stayed = new Set(after.flatMap(({ name, tables }) => tables.map((table) => JSON.stringify([name, table.name]))))
  for (const { name, tables } of before) {
    const missing = tables.find(
      (table) => stayed.has(JSON.stringify([name, table.name])) && !rows.get(name)?.has(table.name),
    )
    if (missing) throw new BackupError('DUMP_FAILED', `the dump lacks table ${name}.${missing.name}`)
  }
}

/** 1356: one view whose table or column is gone fails the dump of all. */
function withViewHint(error: BackupError): BackupError {
  if (!/\(1356\)/.test(error.message)) return error
  const hint = 'No snapshot was kept. Correct or drop the view named above: it cannot be used as it is.'
  return new BackupError(error.code, error.message, { hint, cause: error.cause })
}
