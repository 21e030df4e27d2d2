import type { Readable } from 'node:stream'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecOptions, ExecResult, MethodContext } from '../method.ts'
import { awaitListening } from '../shared/await-server.ts'
import { describeSent, explainLogin } from '../shared/sent-secret.ts'
import { endWith } from '../shared/tool-script.ts'
import { describeToolFailure } from './failure.ts'
import { chooseLogin, exportPassword, type Login } from './login.ts'
import { readServerFacts, type ServerFacts, serverQuery } from './server-facts.ts'
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
  const login = chooseLogin(options, ctx.container.environment)
  const sent = describeSent({ variables: login.passwordVariables, orFile: true }, ctx.container.environment)
  const shell = (tool: Tool, args: string[], drainInput?: boolean) => [
    ...['/bin/sh', '-c', toolScript(login, drainInput), 'sh', toolNames[tool].join(' ')],
    ...[`--user=${login.user}`, ...args],
  ]
  const run: MariadbClient['run'] = (tool, args, { drainInput, ...toolOptions } = {}) =>
    ctx.exec(shell(tool, args, drainInput), toolOptions)
  const query: MariadbClient['query'] = async (sql, toolOptions) => {
    const result = await run('client', clientArguments, { ...toolOptions, input: sessionSettings + sql })
    if (result.exitCode !== 0) throw explainLogin(describeToolFailure(ctx, toolNames.client[0] as string, result), sent)
    return readRows(result.stdout)
  }
  const stream: MariadbClient['stream'] = (tool, args, { timeoutSeconds = longSeconds, ...toolOptions } = {}) =>
    ctx.execStream(shell(tool, args), { timeoutSeconds, ...toolOptions })
  return { query, run, stream, server: readServerFacts(await query(serverQuery, { drainInput: true })) }
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

/** The shell in the container expands the password, which never leaves it. */
function toolScript(login: Login, drainInput: boolean | undefined): string {
  return [
    'names=$1; shift; tool=',
    'for name in $names; do if command -v "$name" >/dev/null; then tool=$name; break; fi; done',
    '[ -n "$tool" ] || exit 127',
    exportPassword(login),
    endWith('"$tool" "$@"', drainInput),
  ].join('\n')
}
