import { longSeconds } from '../../lib/deadline.ts'
import type { ExecResult, MethodContext, StoredSnapshot } from '../method.ts'
import { isText, type StoredDatabase } from './artifacts.ts'
import { type PostgresClient, psqlArguments } from './client.ts'
import { recordedContents } from './contents.ts'
import { afterFilling, beforeFilling } from './own-extensions.ts'
import { searchPathOf, withSearchPath } from './search-path.ts'
import { connectTo, settingOf } from './sql-text.ts'
import { createDatabaseSql, type SwapEntry } from './swap-sql.ts'

/** A database of a snapshot, and the name under which it is made. */
export type FreshDatabase = StoredDatabase & SwapEntry

/** The steps by which one fresh database is filled. */
export interface Loader {
  readonly entry: FreshDatabase
  /** Creates the empty database, with the extensions that must be there before. */
  create(): Promise<void>
  /** Loads the dump. Answers what the program said where it failed. */
  run(options?: LoadOptions): Promise<LoadFailure | undefined>
  /** Ends what `create` began, and makes the statistics of the planner: no dump holds them, and the first queries may take minutes. */
  finish(): Promise<void>
}

export interface LoadOptions {
  /** Replaces the empty search path of the dump. */
  path?: string
  /** The sections that are loaded: `pre-data`, `data`, `post-data`. Default: all. A dump as text has none, and is always loaded whole. */
  sections?: string[]
}

export interface LoadFailure {
  tool: string
  result: ExecResult
}

export function loaderOf(
  ctx: MethodContext,
  client: PostgresClient,
  snapshot: StoredSnapshot,
  entry: FreshDatabase,
): Loader {
  const { facts, artifact, fresh } = entry
  const { extensions = {} } = recordedContents(snapshot.facts, facts.name)
  const restoreArguments = ({ sections = [] }: LoadOptions) => [
    ...['--exit-on-error', '--no-password', ...sections.map((section) => `--section=${section}`)],
    ...['-d', connectTo(fresh)],
  ]
  return {
    entry,
    create: async () => {
      await client.script('template1', createDatabaseSql(facts, fresh, client.server.major), { timeoutSeconds: 600 })
      await beforeFilling(ctx, client, entry, extensions)
    },
    run: async (options = {}) => {
      const [tool, args] = isText(artifact)
        ? (['psql', psqlArguments(fresh)] as const)
        : (['pg_restore', restoreArguments(options)] as const)
      const dump = await snapshot.open(artifact)
      const input = options.path === undefined ? dump : withSearchPath(dump, options.path)
      // pg_restore ends at the last entry that it needs: it leaves the data unread that its sections do not have, and the end of the input.
      const drainInput = tool === 'pg_restore'
      const result = await client.run(tool, args, { input, drainInput, timeoutSeconds: longSeconds })
      return result.exitCode === 0 ? undefined : { tool, result }
    },
    finish: async () => {
      await afterFilling(client, fresh, extensions)
      // It calls the functions of indexes, by the path of the session where PostgreSQL is older than 17.
      const path = settingOf(`search_path=${searchPathOf(facts)}`).value
      await client.script(fresh, `SET search_path TO ${path};\nANALYZE;`, { timeoutSeconds: longSeconds })
    },
  }
}
