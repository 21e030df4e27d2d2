import { BackupError } from '../../errors.ts'
import type { MethodContext } from '../method.ts'
import type { PostgresClient } from './client.ts'
import { quoteName, quoteText } from './sql-text.ts'
import type { SwapEntry } from './swap-sql.ts'
import { cronName, listNames } from './transient.ts'

/** What some extensions need around a restore, since their own CREATE EXTENSION or their rows in the dump would fail otherwise. */
interface OwnExtension {
  /** Prepares the empty database `fresh` before it is filled. */
  before(ctx: MethodContext, client: PostgresClient, entry: SwapEntry, version: string): Promise<void>
  /** Runs when it is filled. */
  after?(client: PostgresClient, fresh: string): Promise<void>
}

const ownExtensions: Record<string, OwnExtension> = {
  // https://docs.timescale.com/self-hosted/latest/backup-and-restore/logical-backup/
  timescaledb: {
    before: async (_ctx, client, { fresh }, version) => {
      await client.script(fresh, createSql('timescaledb', version))
      await client.script(fresh, callSql('timescaledb', 'timescaledb_pre_restore'))
    },
    after: async (client, fresh) => {
      await client.script(fresh, callSql('timescaledb', 'timescaledb_post_restore'))
    },
  },
  pg_cron: { before: createCron },
}

/** Prepares a fresh database for the extensions of the snapshot that need it. */
export async function beforeFilling(
  ctx: MethodContext,
  client: PostgresClient,
  entry: SwapEntry,
  extensions: Record<string, string>,
): Promise<void> {
  for (const [name, version] of Object.entries(extensions)) {
    await ownExtensions[name]?.before(ctx, client, entry, version)
  }
}

/** Ends what `beforeFilling` began. */
export async function afterFilling(
  client: PostgresClient,
  fresh: string,
  extensions: Record<string, string>,
): Promise<void> {
  for (const name of Object.keys(extensions)) await ownExtensions[name]?.after?.(client, fresh)
}

/**
 * pg_cron is created in the database of `cron.database_name` alone, and in one of the name that its tests use: its script compares the
 * name. The fresh database has that name for this moment. Its comment tells whose it is, should this process die.
 */
async function createCron(ctx: MethodContext, client: PostgresClient, { facts, fresh }: SwapEntry): Promise<void> {
  await warnOfOtherCron(ctx, client, facts.name)
  if ((await listNames(client)).includes(cronName)) {
    throw new BackupError('RESTORE_FAILED', `pg_cron cannot be restored while there is a database ${cronName}`, {
      hint: `Nothing was touched. Rename the database ${cronName} for the time of the restore.`,
    })
  }
  const rename = (from: string, to: string) => `ALTER DATABASE ${quoteName(from)} RENAME TO ${quoteName(to)};`
  await client.script(
    'template1',
    [
      `COMMENT ON DATABASE ${quoteName(fresh)} IS ${quoteText(fresh)};`,
      rename(fresh, cronName),
      `\\connect ${cronName}`,
      'CREATE EXTENSION pg_cron;',
      '\\connect template1',
      rename(cronName, fresh),
      `COMMENT ON DATABASE ${quoteName(fresh)} IS NULL;`,
    ].join('\n'),
  )
}

async function warnOfOtherCron(ctx: MethodContext, client: PostgresClient, name: string): Promise<void> {
  const own = (await client.script('template1', `SELECT current_setting('cron.database_name', true);`)).trim()
  if (own !== name)
    ctx.warn(`pg_cron of this server runs the jobs of database ${own} only: those of ${name} do not run`)
}

/** The version of the backup where the image has it, else the one that the image creates. */
const createSql = (extension: string, version: string): string =>
  `SELECT format('CREATE EXTENSION %I VERSION %L', name, version) FROM pg_available_extension_versions
    WHERE name = ${quoteText(extension)} AND version = ${quoteText(version)} \\gexec
  CREATE EXTENSION IF NOT EXISTS ${quoteName(extension)};`

/** Calls a function of an extension in whatever schema it lies. Another function of that name is not the extension's, and not called. */
const callSql = (extension: string, name: string): string =>
  `SELECT format('SELECT %s()', d.objid::regproc) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    JOIN pg_proc p ON p.oid = d.objid WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
    AND d.deptype = 'e' AND e.extname = ${quoteText(extension)} AND p.proname = ${quoteText(name)} \\gexec`
