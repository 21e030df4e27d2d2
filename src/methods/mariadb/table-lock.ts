import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { BackupError } from '../../errors.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { MethodContext } from '../method.ts'
import { clientArguments, type MariadbClient, sessionSettings } from './client.ts'
import { asDumpError } from './failure.ts'
import type { DatabaseFacts } from './inventory.ts'
import { quoteName } from './sql-text.ts'

/** How long a write that is under way may keep the tables from being locked. */
const lockSeconds = 60

/** While it is held, nobody writes to the locked tables. */
export interface TableLock extends AsyncDisposable {
  /** DUMP_FAILED where the session that holds the lock was lost meanwhile. */
  proveHeld(): Promise<void>
}

/** The tables in which a dump in a transaction would see rows of several instants. */
export const untransactional = (databases: DatabaseFacts[]): { database: string; table: string; engine: string }[] =>
  databases.flatMap(({ name: database, tables }) =>
    tables.filter((each) => !each.transactional).map(({ name: table, engine }) => ({ database, table, engine })),
  )

/**
 * Locks the tables whose engine knows no transactions (MyISAM, Aria), and only those, against writing until it is disposed. The dump MUST
 * begin its transaction after that: then the locked tables do not change from its instant to its end, and all tables are of one instant.
 * `LOCK TABLES` would not do: with it a waiting writer goes before the next reader, which is the dump, and all three wait for ever.
 */
export async function lockTables(
  ctx: MethodContext,
  client: MariadbClient,
  databases: DatabaseFacts[],
): Promise<TableLock> {
  const names = untransactional(databases).map(({ database, table }) => `${quoteName(database)}.${quoteName(table)}`)
  if (names.length === 0) return { proveHeld: async () => {}, [Symbol.asyncDispose]: async () => {} }

  const input = new PassThrough()
  const args = [...clientArguments, '--unbuffered']
  const output = await client.stream('client', args, { input, timeoutSeconds: longSeconds })
  const chunks: AsyncIterator<Buffer> = output[Symbol.asyncIterator]()
  /** Resolves once the server has done everything that was asked. */
  const ask = async (sql: string, word: string) => {
    input.write(`${sql}\nSELECT '${word}';\n`)
    for (let said = ''; !said.includes(`${word}\n`); ) {
      const { value, done } = await chunks.next().catch((cause) => {
        throw asDumpError(ctx, cause, 'the session that locks tables')
      })
      if (done) throw new BackupError('DUMP_FAILED', 'the session that locks tables ended before the dump')
      said += value
    }
  }
  const release = async () => {
    input.end()
    await buffer(output).catch(() => undefined)
  }
  try {
    const lock = `FLUSH TABLES ${names.join(', ')} WITH READ LOCK;`
    await ask(`${sessionSettings}SET SESSION lock_wait_timeout = ${lockSeconds};\n${lock}`, 'locked')
  } catch (error) {
    input.end()
    output.destroy()
    throw error
  }
  return { proveHeld: () => ask('', 'still locked'), [Symbol.asyncDispose]: release }
}
