import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecOptions, ExecResult, MethodContext } from '../method.ts'
import { awaitListening } from '../shared/await-server.ts'
import { exportSecret } from '../shared/secret.ts'
import { describeSent, explainLogin } from '../shared/sent-secret.ts'
import { endWith } from '../shared/tool-script.ts'
import { describeToolFailure } from './failure.ts'
import { connectTo } from './sql-text.ts'

/** PostgreSQL's own programs, run in the container of the server. */
export interface PostgresClient {
  readonly server: ServerFacts
  /** Runs a psql script to its end and answers its standard output, unaligned. The first error ends the script and is thrown. */
  script(database: string, sql: string, options?: ToolOptions): Promise<string>
  /** Answers the single JSON value of a query. */
  json<T>(database: string, sql: string): Promise<T>
  /** Runs a program to its end, whatever its exit code. */
  run(tool: string, args: string[], options?: ToolOptions): Promise<ExecResult>
  /** Answers the output of a program as a stream. */
  stream(tool: string, args: string[], options?: ToolOptions & { input?: Readable }): Promise<Readable>
}

export interface ServerFacts {
  /** The version as the server says it: `17.6 (Debian 17.6-0+deb13u1)`. */
  version: string
  major: number
  /** Whether the user of the backup is a superuser. */
  superuser: boolean
  /** The path in the container; '' where this user may not see it. */
  dataDirectory: string
  /** False on a server that only initialises itself, and ends soon. */
  listens: boolean
}

export interface ToolOptions extends Pick<ExecOptions, 'input' | 'timeoutSeconds'> {
  /** Standard error goes into standard output, in order and whole. */
  mergeErrors?: boolean
  /** See `endWith`. */
  drainInput?: boolean
}

/** The arguments by which psql reads a script from standard input, without the user's own settings. Errors carry their code. */
export const psqlArguments = (database: string, onError: 'stop' | 'go-on' = 'stop'): string[] => [
  ...['-X', '-q', '-A', '-t', '--no-password'],
  ...['-v', 'VERBOSITY=verbose', '-v', `ON_ERROR_STOP=${onError === 'stop' ? 1 : 0}`],
  ...['-d', connectTo(database), '-f', '-'],
]

/** Connects to the server. SERVICE_DOWN, AUTH_FAILED or TOOL_MISSING where it cannot be asked. */
export async function connect(ctx: MethodContext, options: MethodOptions['postgres']): Promise<PostgresClient> {
  try {
    return await open(ctx, options)
  } catch (error) {
    // With `peer` the server lets in only the system user of the same name.
    if (!(error instanceof BackupError) || !/Peer authentication failed/i.test(error.message)) throw error
    return await open(ctx, options, 'postgres')
  }
}

/** Connects to a server that was just started, once it takes connections for good. */
export function awaitReady(
  ctx: MethodContext,
  options: MethodOptions['postgres'],
  seconds: number,
): Promise<PostgresClient> {
  const what = `PostgreSQL in ${ctx.container.name} to take connections`
  return awaitListening(ctx, { what, seconds, connect: () => connect(ctx, options) })
}

async function open(
  ctx: MethodContext,
  options: MethodOptions['postgres'],
  systemUser?: string,
): Promise<PostgresClient> {
  const shell = (tool: string, args: string[], { timeoutSeconds, ...how }: ToolOptions) => ({
    command: ['/bin/sh', '-c', toolScript(options, how), 'sh', tool, ...args],
    options: {
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
      environment: options.user ? { XNAI_USER: options.user } : {},
      ...(systemUser && { user: systemUser }),
    },
  })
  const run: PostgresClient['run'] = (tool, args, toolOptions = {}) => {
    const { command, options: execOptions } = shell(tool, args, toolOptions)
    const { input } = toolOptions
    return ctx.exec(command, { ...execOptions, ...(input !== undefined && { input }) })
  }
  const { passwordEnv } = options
  const sent = describeSent({ variables: passwordEnv === undefined ? [] : [passwordEnv] }, ctx.container.environment)
  const script: PostgresClient['script'] = async (database, sql, toolOptions) => {
    // A server that lets nobody in, and an error in the middle, leave statements unread.
    const result = await run('psql', psqlArguments(database), { drainInput: true, ...toolOptions, input: sql })
    if (result.exitCode !== 0) throw explainLogin(describeToolFailure(ctx, 'psql', result), sent)
    return result.stdout
  }
  const json = async <T>(database: string, sql: string) => JSON.parse(await script(database, sql)) as T
  const stream: PostgresClient['stream'] = (tool, args, toolOptions = {}) => {
    const { command, options: execOptions } = shell(tool, args, { timeoutSeconds: longSeconds, ...toolOptions })
    const { input } = toolOptions
    return ctx.execStream(command, { ...execOptions, ...(input && { input }) })
  }
  return { script, json, run, stream, server: await json<ServerFacts>('template1', serverQuery) }
}

/** Limits that a service sets for its own clients would end a dump or a restore. */
const noLimits = [
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'default_transaction_read_only=off',
]

/** The shell in the container expands the password, which never leaves it. LC_ALL makes messages English, because they are parsed. */
function toolScript(
  { port, passwordEnv }: MethodOptions['postgres'],
  { mergeErrors, drainInput }: ToolOptions,
): string {
  return [
    'tool=$1; shift',
    'command -v "$tool" >/dev/null || exit 127',
    `PGUSER=\${XNAI_USER:-\${POSTGRES_USER:-postgres}} PGAPPNAME=xnai-backup PGCONNECT_TIMEOUT=30 LC_ALL=C`,
    `PGOPTIONS="${noLimits.map((setting) => `-c ${setting}`).join(' ')}"`,
    'export PGUSER PGAPPNAME PGCONNECT_TIMEOUT PGOPTIONS LC_ALL',
    // Without the label the container's own PGPORT counts, which official images read too.
    ...(port === undefined ? [] : [`PGPORT=${port}; export PGPORT`]),
    exportSecret('PGPASSWORD', passwordEnv === undefined ? {} : { variable: passwordEnv }),
    endWith(`"$tool" "$@"${mergeErrors ? ' 2>&1' : ''}`, drainInput),
  ].join('\n')
}

const serverQuery = `SELECT json_build_object(
  'version', current_setting('server_version'),
  'major', current_setting('server_version_num')::int / 10000,
  'superuser', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  'dataDirectory', coalesce((SELECT setting FROM pg_settings WHERE name = 'data_directory'), ''),
  'listens', current_setting('listen_addresses') <> '');`
