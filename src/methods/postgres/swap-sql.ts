import { closingScript, endSessions } from './close-databases.ts'
import type { DatabaseFacts } from './cluster.ts'
import { quoteName, quoteText, settingOf } from './sql-text.ts'

/** One database of a swap. */
export interface SwapEntry {
  facts: DatabaseFacts
  /** The name of the restored database before the swap. */
  fresh: string
  /** The name that the present database gets in the swap. Absent where there is none. */
  old?: string
}

/** `CREATE DATABASE` for an empty database under the name `name`, with the locale and the owner of `facts`. */
export function createDatabaseSql(facts: DatabaseFacts, name: string, serverMajor: number): string {
  const { row } = facts
  const provider = { i: 'icu', b: 'builtin' }[row.datlocprovider ?? 'c'] ?? 'libc'
  const locale = row.datlocale ?? row.daticulocale
  const localeOption = { icu: 'ICU_LOCALE', builtin: 'BUILTIN_LOCALE', libc: undefined }[provider]
  const options = [
    'TEMPLATE template0',
    `ENCODING ${quoteText(facts.encoding)}`,
    ...(serverMajor >= 15 ? [`LOCALE_PROVIDER ${provider}`] : []),
    `LC_COLLATE ${quoteText(row.datcollate)}`,
    `LC_CTYPE ${quoteText(row.datctype)}`,
    ...(localeOption && locale ? [`${localeOption} ${quoteText(locale)}`] : []),
    ...(row.daticurules ? [`ICU_RULES ${quoteText(row.daticurules)}`] : []),
    `TABLESPACE ${quoteName(facts.tablespace)}`,
    `OWNER ${quoteName(facts.owner)}`,
  ]
  return `CREATE DATABASE ${quoteName(name)} ${options.join(' ')};`
}

/** Statements for what belongs to a database and stands in no dump of its content. */
export function propertiesSql(facts: DatabaseFacts): string[] {
  const name = quoteName(facts.name)
  const comment = facts.comment === null ? [] : [`COMMENT ON DATABASE ${name} IS ${quoteText(facts.comment)};`]
  const limit =
    facts.connectionLimit === -1 ? [] : [`ALTER DATABASE ${name} CONNECTION LIMIT ${facts.connectionLimit};`]
  const settings = facts.settings.flatMap(({ role, values }) =>
    values.map(settingOf).map(({ name: setting, value }) => {
      const what = role === null ? `ALTER DATABASE ${name}` : `ALTER ROLE ${quoteName(role)} IN DATABASE ${name}`
      return `${what} SET ${quoteName(setting)} TO ${value};`
    }),
  )
  return [...comment, ...limit, ...settings, ...grantsSql(facts)]
}

function grantsSql({ name, owner, grants }: DatabaseFacts): string[] {
  if (grants === null) return []
  const database = `DATABASE ${quoteName(name)}`
  const revokes = ['PUBLIC', quoteName(owner)].map((from) => `REVOKE ALL ON ${database} FROM ${from};`)
  const given = grants.map(({ grantee, privilege, grantable }) => {
    const to = grantee === null ? 'PUBLIC' : quoteName(grantee)
    return `GRANT ${privilege} ON ${database} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''};`
  })
  return [...revokes, ...given]
}

/** In tolerant mode each statement stands for itself: one that makes a role that exists fails, and `judgeGlobals` knows that error. */
const tolerant = ['\\set ON_ERROR_STOP off', '\\set ON_ERROR_ROLLBACK on']
const strict = ['\\set ON_ERROR_ROLLBACK off', '\\set ON_ERROR_STOP on']

/** A psql script that runs the globals and rolls everything back, so that only their errors are seen. */
export function rehearsalScript(globals: string): string {
  return [...tolerant, 'BEGIN;', globals, ...strict, 'ROLLBACK;', ''].join('\n')
}

/**
 * A psql script that closes the present databases, and then changes roles, names and properties in one transaction, so that every client
 * sees all of the old or all of the new. The restored databases are open. A rename waits five seconds for sessions that were just ended
 * (https://www.postgresql.org/docs/current/sql-alterdatabase.html). The role that the backup logs in by keeps its password, because that
 * belongs to the environment of the present container.
 */
export function swapScript(globals: string, entries: readonly SwapEntry[]): string {
  const renames = entries.flatMap(({ facts, fresh, old }) => [
    ...(old === undefined ? [] : [rename(facts.name, old)]),
    rename(fresh, facts.name),
  ])
  return [
    `SELECT format('ALTER ROLE %I PASSWORD %L;', rolname, rolpassword) AS own_password FROM pg_authid WHERE rolname = current_user \\gset`,
    closingScript(entries.map(({ facts }) => facts.name)),
    endSessions(entries.map(({ fresh }) => fresh)),
    ...tolerant,
    'BEGIN;',
    globals,
    ...strict,
    ':own_password',
    ...renames,
    ...entries.flatMap(({ facts }) => propertiesSql(facts)),
    'COMMIT;',
    '',
  ].join('\n')
}

const rename = (from: string, to: string): string => `ALTER DATABASE ${quoteName(from)} RENAME TO ${quoteName(to)};`

/**
 * The lines of a psql output that are unexpected errors. Three are expected: a role or tablespace that exists (42710), CREATE TABLESPACE
 * in a transaction (25001; it was made before), and `\restrict` where an older psql does not know it.
 */
export function judgeGlobals(output: string): string[] {
  const lines = output.split('\n').filter((line) => /ERROR:|FATAL:|PANIC:|invalid command/.test(line))
  return lines.filter((line) => !/ERROR:\s+(42710|25001):/.test(line) && !/invalid command \\(un)?restrict/.test(line))
}
