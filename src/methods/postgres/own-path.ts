import type { MethodContext } from '../method.ts'
import { isText } from './artifacts.ts'
import type { PostgresClient } from './client.ts'
import { describeToolFailure } from './failure.ts'
import type { Loader, LoadFailure, LoadOptions } from './load-dump.ts'
import { searchPathOf } from './search-path.ts'
import { settingOf } from './sql-text.ts'
import { dropDatabase } from './transient.ts'

/**
 * Fills a database once more, by its own search path. A dump empties the path, and a function that names another without its schema then
 * fails where an index or a generated column calls it. The path is not the first choice: whoever may create objects in a schema
 * of it could have such a function call his own (https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058).
 */
export async function loadWithOwnPath(
  ctx: MethodContext,
  client: PostgresClient,
  load: Loader,
  { tool, result }: LoadFailure,
): Promise<void> {
  const refuse = (last: LoadFailure['result']) => describeToolFailure(ctx, tool, last, 'RESTORE_FAILED')
  if (!/does not exist/.test(result.stderr)) throw refuse(result)
  const { facts, artifact, fresh } = load.entry
  const path = searchPathOf(facts)
  const run = async (options: LoadOptions) => {
    const failed = await load.run({ ...options, path })
    if (failed) throw refuse(failed.result)
  }
  await dropDatabase(client, fresh)
  await load.create()
  await run(isText(artifact) ? {} : { sections: ['pre-data', 'data'] })
  await using _lent = await lendPath(client, fresh, path)
  if (!isText(artifact)) await run({ sections: ['post-data'] })
  await load.finish()
  ctx.warn(
    `functions of ${facts.name} name others without their schema: it was restored by its own search_path. Give these functions a SET search_path.`,
  )
}

/**
 * Gives the functions of a database that have no path of their own this one, until it is disposed. PostgreSQL 17 and later run
 * functions by a path of their own while they make an index, a materialized view or statistics
 * (https://www.postgresql.org/docs/17/release-17.html), whatever the session has set.
 */
async function lendPath(client: PostgresClient, database: string, path: string): Promise<AsyncDisposable> {
  const change = (functions: string[], what: string) =>
    client.script(database, functions.map((each) => `ALTER ROUTINE ${each} ${what};`).join('\n'))
  if (client.server.major < 17) return { [Symbol.asyncDispose]: async () => {} }
  const functions = await client.json<string[]>(database, functionsQuery)
  await change(functions, `SET search_path TO ${settingOf(`search_path=${path}`).value}`)
  return { [Symbol.asyncDispose]: async () => void (await change(functions, 'RESET search_path')) }
}

const functionsQuery = `SELECT coalesce(json_agg(p.oid::regprocedure::text), '[]')
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prokind IN ('f', 'p')
    AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e');`
