import type { MethodContext } from '../method.ts'
import { clientArguments, type MariadbClient, sessionSettings } from './client.ts'
import { describeToolFailure, errorLines } from './failure.ts'
import { takeSessionLock } from './session-lock.ts'
import { quoteText, readRows } from './sql-text.ts'

/** One user or role, as the statements that create it. */
export interface Account {
  user: string
  host: string
  role: boolean
  /** '' for PUBLIC, which always exists. */
  create: string
  /** The statements that give its rights, in the order in which they can be run once everything that they name exists. */
  grants: string[]
}

/**
 * Reads all accounts. The server holds hashes of passwords, never a password itself. Accounts that the server itself ignores, such as
 * those of named hosts under `skip_name_resolve`, are left out.
 */
export async function readAccounts(ctx: MethodContext, client: MariadbClient): Promise<Account[]> {
  const accounts = await listAccounts(client)
  const asked = accounts.filter((account) => !isOfServer(account))
  const questions = asked.flatMap((account, index) => [
    `SELECT '=', ${index};`,
    ...(account.role ? [] : [`SHOW CREATE USER ${nameOf(account)};`]),
    `SHOW GRANTS FOR ${nameOf(account)};`,
  ])
  const result = await run(client, [...shownWhole(client), ...questions], ['--force'])
  refuseErrors(ctx, result, ignoredAccount, 'EXEC_FAILED')
  const answers: string[][] = []
  for (const [first = '', second] of readRows(result.stdout)) {
    if (first === '=' && second !== undefined) answers.push([])
    else answers.at(-1)?.push(first)
  }
  return asked.flatMap(({ usual, ...account }, index) => {
    const shown = answers[index] ?? []
    const isIgnored = !account.role && !shown[0]?.startsWith('CREATE USER ')
    return isIgnored ? [] : [describe(account, usual, shown)]
  })
}

/** Lists users and roles by name, with the default role of each. */
export async function listAccounts(client: MariadbClient): Promise<ListedAccount[]> {
  const rows = await client.query(client.server.product === 'mariadb' ? listMariadb : listMysql)
  return rows.map(([user = '', host = '', role, usual = '']) => ({ user, host, role: role === 'Y', usual }))
}

interface ListedAccount extends Pick<Account, 'user' | 'host' | 'role'> {
  usual: string
}

/** The errors for a user or a grant that does not exist. */
const ignoredAccount = [1133, 1141]

/** Makes MySQL 8 show hashes in hex, because they hold bytes that are no text. */
const shownWhole = ({ server }: MariadbClient): string[] =>
  server.product === 'mysql' ? ['/*!80017 SET SESSION print_identified_with_as_hex = ON */;'] : []

function describe(account: Omit<Account, 'create' | 'grants'>, defaultRole: string, shown: string[]): Account {
  if (account.role)
    return { ...account, create: isPublic(account) ? '' : `CREATE ROLE ${nameOf(account)}`, grants: shown }
  const [create = '', ...grants] = shown
  // MySQL names the default roles in CREATE USER, but they are granted later.
  const roles = create.match(defaultRoles)
  const later = roles ? [`ALTER USER ${nameOf(account)} DEFAULT ROLE ${roles[1]}`] : []
  // Older versions of MariaDB do not show the default role with the grants.
  if (defaultRole !== '' && !grants.some((sql) => sql.startsWith('SET DEFAULT ROLE')))
    later.push(`SET DEFAULT ROLE ${quoteText(defaultRole)} FOR ${nameOf(account)}`)
  return { ...account, create: create.replace(defaultRoles, ''), grants: [...grants, ...later] }
}

const quotedName = '`(?:[^`]|``)*`'
const defaultRoles = new RegExp(` DEFAULT ROLE (${quotedName}@${quotedName}(?:,${quotedName}@${quotedName})*)`)

/** Writes accounts as SQL that a person can read and run. Each account is a paragraph. */
export function writeAccounts(accounts: Account[]): string {
  const paragraphs = accounts.map(({ create, grants, ...account }) => {
    const statements = [create, ...grants].map((sql) => sql.replaceAll('\n', '\\n'))
    return [
      `${heading}${JSON.stringify(account)}`,
      ...statements.map((sql) => (sql === '' ? '--' : `${sql};`)),
      '',
    ].join('\n')
  })
  return ['-- Users and roles with their grants', '', ...paragraphs].join('\n')
}

const heading = '-- account '

/** Reads what `writeAccounts` wrote. */
export function parseAccounts(sql: string): Account[] {
  const [, ...paragraphs] = sql.split(`\n${heading}`)
  return paragraphs.map((paragraph) => {
    const [head = '', create = '', ...grants] = paragraph.split('\n').filter((line) => line !== '')
    const statement = (line: string) => (line === '--' ? '' : line.slice(0, -1))
    return { ...JSON.parse(head), create: statement(create), grants: grants.map(statement) }
  })
}

type NamedAccount = Pick<Account, 'user' | 'host'>

/**
 * The accounts that a restore replaces. Two are kept where they exist, because their passwords belong to the present container: the user
 * that the backup logs in as, and the user of the image's own health check.
 */
export function replaceable(accounts: Account[], present: NamedAccount[], loginUser: string): Account[] {
  const isThere = (account: Account) => present.some(({ user, host }) => user === account.user && host === account.host)
  return accounts.filter((one) => !isThere(one) || (one.user !== loginUser && one.user !== 'healthcheck'))
}

/** Statements that create users and roles without rights, as owners and definers of the databases that come. */
export function createSql(accounts: Account[]): string[] {
  return accounts.flatMap((account) => {
    if (isPublic(account)) return []
    const name = nameOf(account)
    // If a role were dropped, users that the snapshot does not know would lose it.
    if (account.role) return [`CREATE ROLE IF NOT EXISTS ${name};`, `REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${name};`]
    return [`DROP USER IF EXISTS ${name};`, `${account.create};`]
  })
}

/** Grants the accounts their rights. A right on something that does not exist was dangling at the backup: it is left out with a warning. */
export async function grantRights(ctx: MethodContext, client: MariadbClient, accounts: Account[]): Promise<void> {
  if (accounts.length === 0) return
  const rolesFirst = accounts.toSorted((a, b) => Number(b.role) - Number(a.role))
  const grants = rolesFirst.flatMap((account) => account.grants.map((sql) => ({ account, sql })))
  const result = await run(
    client,
    [takeSessionLock, ...grants.map(({ sql }) => `${sql};`), 'FLUSH PRIVILEGES;'],
    ['--force'],
  )
  for (const line of refuseErrors(ctx, result, danglingErrors, 'RESTORE_FAILED'))
    ctx.warn(`a right on something that is gone was left out: ${line}`)
}

/** The errors of a run with `--force`. The first one that is not of the `known` numbers is thrown. */
function refuseErrors(
  ctx: MethodContext,
  result: { exitCode: number; stderr: string },
  known: number[],
  code: 'EXEC_FAILED' | 'RESTORE_FAILED',
): string[] {
  const errors = errorLines(result.stderr)
    .split('\n')
    .filter((line) => line !== '')
  const grave = errors.find((line) => !known.some((number) => line.startsWith(`ERROR ${number} `)))
  const isSilent = result.exitCode !== 0 && errors.length === 0
  if (grave !== undefined || isSilent)
    throw describeToolFailure(ctx, 'client', { ...result, stderr: grave ?? '' }, code)
  return errors
}

/** The errors for a table, column, routine or database that does not exist. */
const danglingErrors = [1146, 1054, 1305, 1049]

/** Runs each statement as a line, so that the line number of an error tells which one it was. */
const run = (client: MariadbClient, statements: string[], args: string[]) =>
  client.run('client', [...clientArguments, ...args], {
    input: `${sessionSettings}${statements.join('\n')}\n`,
    timeoutSeconds: 600,
  })

const nameOf = ({ user, host, role }: Pick<Account, 'user' | 'host' | 'role'>): string =>
  role ? (user === 'PUBLIC' ? 'PUBLIC' : quoteText(user)) : `${quoteText(user)}@${quoteText(host)}`

const isPublic = ({ user, role }: Pick<Account, 'user' | 'role'>): boolean => role && user === 'PUBLIC'

/** Whether every server makes the account for itself. */
const isOfServer = ({ user, host }: Pick<Account, 'user' | 'host'>): boolean =>
  host === 'localhost' && ['mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema'].includes(user)

const listMariadb = 'SELECT User, Host, is_role, default_role FROM mysql.user ORDER BY is_role DESC, User, Host;'
const listMysql = `SELECT User, Host, 'N' FROM mysql.user ORDER BY User, Host;`
