import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecOptions, ExecResult, MethodContext } from '../method.ts'
import { awaitListening } from '../shared/await-server.ts'
import { takeFirstSecret } from '../shared/secret.ts'
import { endWith } from '../shared/tool-script.ts'
import { describeToolFailure } from './failure.ts'
import { readRows } from './sql-text.ts'

/** The programs of MariaDB or MySQL, run in the container of the server. */
export interface MariadbClient {
  readonly server: ServerFacts
  /** Runs SQL to its end and answers the rows of all its results. The first error ends it and is thrown. */
  query(sql: string, options?: ToolOptions): Promise<string[][]>
  /** Runs a program to its end, whatever its exit code. */
  run(tool: Tool, args: string[], options?: ToolOptions): Promise<ExecResult>
  /** Answers the output of a program as a stream. */
  stream(tool: Tool, args: string[], options?: ToolOptions & { input?: Readable }): Promise<Readable>
}

export interface ServerFacts {
  /** The version as the server says it: `11.8.3-MariaDB-0+deb13u1`. */
  version: string
  product: 'mariadb' | 'mysql'
  /** The path in the container. */
  dataDirectory: string
  /** False on a server that only initialises itself, and ends soon. */
  listens: boolean
  /** The way in which it stores names: `lower_case_table_names`. */
  nameCase: number
  /** Whether the user of the backup may make accounts and databases. */
  administrator: boolean
}

export type Tool = keyof typeof toolNames

export interface ToolOptions extends Pick<ExecOptions, 'input' | 'timeoutSeconds'> {
  /** See `endWith`. */
  drainInput?: boolean
}

/** Images of MariaDB 11 carry only the first names, those of MySQL only the second ones. */
const toolNames = { client: ['mariadb', 'mysql'], dump: ['mariadb-dump', 'mysqldump'] }

/** Statements that make a session as the SQL of this method expects it, whatever the server's own defaults are. */
export const sessionSettings = [
  `SET SESSION sql_mode = '';`,
  `SET SESSION sql_quote_show_create = 1, wait_timeout = ${longSeconds}, net_read_timeout = 3600;`,
  '/*M!100100 SET SESSION max_statement_time = 0 */;',
  '/*!50708 SET SESSION max_execution_time = 0 */;',
  '',
].join('\n')

/** The arguments by which the client reads SQL from standard input, without headings and without commands of its own in the text. */
export const clientArguments: string[] = [
  ...['--batch', '--skip-column-names', '--binary-mode', '--skip-reconnect', '--default-character-set=utf8mb4'],
]

/** Connects to the server. SERVICE_DOWN, AUTH_FAILED or TOOL_MISSING where it cannot be asked. */
export async function connect(ctx: MethodContext, options: MethodOptions['mariadb']): Promise<MariadbClient> {
  const shell = (tool: Tool, args: string[], drainInput?: boolean) => [
    ...['/bin/sh', '-c', toolScript(options, drainInput), 'sh', toolNames[tool].join(' ')],
    ...[`--user=${options.user}`, ...args],
  ]
  const run: MariadbClient['run'] = (tool, args, { drainInput, ...toolOptions } = {}) =>
    ctx.exec(shell(tool, args, drainInput), toolOptions)
  const query: MariadbClient['query'] = async (sql, toolOptions) => {
    const result = await run('client', clientArguments, { ...toolOptions, input: sessionSettings + sql })
    if (result.exitCode !== 0) throw describeToolFailure(ctx, toolNames.client[0] as string, result)
    return readRows(result.stdout)
  }
  const stream: MariadbClient['stream'] = (tool, args, { timeoutSeconds = longSeconds, ...toolOptions } = {}) =>
    ctx.execStream(shell(tool, args), { timeoutSeconds, ...toolOptions })
  return { query, run, stream, server: await readServer((sql) => query(sql, { drainInput: true })) }
}

/** Connects to a server that was just started, once it takes connections for good. */
export function awaitReady(
  ctx: MethodContext,
  options: MethodOptions['mariadb'],
  seconds: number,
): Promise<MariadbClient> {
  const what = `the server in ${ctx.container.name} to take connections`
  return awaitListening(ctx, { what, seconds, connect: () => connect(ctx, options) })
}

async function readServer(query: MariadbClient['query']): Promise<ServerFacts> {
  const rows = await query(serverQuery)
  const [version = '', comment = '', dataDirectory = '', skipsNetworking, nameCase, privileges = ''] = rows[0] ?? []
  if (rows.length !== 1) throw new BackupError('EXEC_FAILED', 'the server did not say what it is')
  const granted = new Set(privileges.split(','))
  return {
    version,
    product: /mariadb/i.test(`${version} ${comment}`) ? 'mariadb' : 'mysql',
    dataDirectory,
    listens: skipsNetworking === '0',
    nameCase: Number(nameCase),
    administrator: ['CREATE', 'DROP', 'INSERT', 'CREATE USER'].every((one) => granted.has(one)),
  }
}

/** SQL for the own account as information_schema writes it: `'root'@'localhost'`, where CURRENT_USER() says root@localhost. */
const ownAccount = `CONCAT("'", REVERSE(SUBSTRING(REVERSE(CURRENT_USER()), LOCATE('@', REVERSE(CURRENT_USER())) + 1)), "'@'",
  SUBSTRING_INDEX(CURRENT_USER(), '@', -1), "'")`

const serverQuery = `SET SESSION group_concat_max_len = 65536;
SELECT VERSION(), @@version_comment, @@datadir, @@skip_networking, @@lower_case_table_names,
  COALESCE((SELECT GROUP_CONCAT(PRIVILEGE_TYPE) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ${ownAccount}), '');`

/** The shell in the container expands the password, which never leaves it. */
function toolScript(options: MethodOptions['mariadb'], drainInput: boolean | undefined): string {
  return [
    'names=$1; shift; tool=',
    'for name in $names; do if command -v "$name" >/dev/null; then tool=$name; break; fi; done',
    '[ -n "$tool" ] || exit 127',
    exportPassword(options),
    endWith('"$tool" "$@"', drainInput),
  ].join('\n')
}

/**
 * Lines for `/bin/sh` that export MYSQL_PWD from the variable that the label names, else from those by which the official images take the
 * password. Without any of them the server's own rule for its socket decides.
 */
function exportPassword({ user, passwordEnv }: MethodOptions['mariadb']): string {
  const own =
    user === 'root' ? ['MARIADB_ROOT_PASSWORD', 'MYSQL_ROOT_PASSWORD'] : ['MARIADB_PASSWORD', 'MYSQL_PASSWORD']
  const take = takeFirstSecret('MYSQL_PWD', passwordEnv === undefined ? own : [passwordEnv])
  return `${take}\n[ -z "\${MYSQL_PWD-}" ] || export MYSQL_PWD`
}
