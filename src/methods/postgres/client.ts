import type { Readable } from 'node:stream'
import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import { longSeconds } from '../../lib/deadline.ts'
import type { ExecOptions, ExecResult, MethodContext } from '../method.ts'
import { awaitListening } from '../shared/await-server.ts'
import { exportSecret } from '../shared/secret.ts'
import { endWith } from '../shared/tool-script.ts'
import { connectTo } from './text.ts'

/** PostgreSQL's own programs, run in the container of the server. */
export interface PostgresClient {
  readonly server: ServerFacts
  /** Runs a psql script to its end; the first error ends it and is thrown. Answers standard output, unaligned. */
  script(database: string, sql: string, options?: ToolOptions): Promise<string>
  /** The single JSON value that a query answers. */
  json<T>(database: string, sql: string): Promise<T>
  /** A program to its end, whatever its exit code. */
  run(tool: string, args: string[], options?: ToolOptions): Promise<ExecResult>
  /** The output of a program as a stream. */
  stream(tool: string, args: string[], options?: ToolOptions & { input?: Readable }): Promise<Readable>
}

export interface ServerFacts {
  /** As the server says it: `17.6 (Debian 17.6-0+deb13u1)`. */
  version: string
  major: number
  superuser: boolean
  /** '' where this user may not see it. */
  dataDirectory: string
  /** False on a server that only initialises itself: it goes away again. */
  listens: boolean
}

export interface ToolOptions extends Pick<ExecOptions, 'input' | 'timeoutSeconds'> {
  /** Standard error goes into standard output, in order and whole. */
  mergeErrors?: boolean
  /** See `endWith`. */
  drainInput?: boolean
}

/** psql without the user's own settings; errors carry their code. */
export const psqlArguments = (database: string, onError: 'stop' | 'go-on' = 'stop'): string[] => [
  ...[
    '-X',
    '-q',
    '-A',
    '-t',
    '--no-password',
    '-v',
    'VERBOSITY=verbose',
    '-v',
    `ON_ERROR_STOP=${onError === 'stop' ? 1 : 0}`,
  ],
  ...['-d', connectTo(database), '-f', '-'],
]

/** SERVICE_DOWN, AUTH_FAILED or TOOL_MISSING where the server cannot be asked. */
export async function connectPostgres(ctx: MethodContext, options: MethodOptions['postgres']): Promise<PostgresClient> {
  try {
    return await open(ctx, options)
  } catch (error) {
    // `peer` lets in only the system user of the same name.
    if (!(error instanceof BackupError) || !/Peer authentication failed/i.test(error.message)) throw error
    return await open(ctx, options, 'postgres')
  }
}

/** As `connectPostgres`, for a server that was just started: waits until it takes connections for good. */
export function awaitPostgres(
  ctx: MethodContext,
  options: MethodOptions['postgres'],
  seconds: number,
): Promise<PostgresClient> {
  const what = `PostgreSQL in ${ctx.container.name} to take connections`
  return awaitListening(ctx, { what, seconds, connect: () => connectPostgres(ctx, options) })
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
  const script: PostgresClient['script'] = async (database, sql, toolOptions) => {
    const result = await run('psql', psqlArguments(database), { ...toolOptions, input: sql })
    if (result.exitCode !== 0) throw describeToolFailure(ctx, 'psql', result)
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

/** What a service sets for its own clients would end a dump or a restore. */
const noLimits = [
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'default_transaction_read_only=off',
]

/** The password is expanded by the shell in the container; it never leaves it. Messages in English, because they are read. */
function toolScript({ passwordEnv }: MethodOptions['postgres'], { mergeErrors, drainInput }: ToolOptions): string {
  return [
    'tool=$1; shift',
    'command -v "$tool" >/dev/null || exit 127',
    `PGUSER=\${XNAI_USER:-\${POSTGRES_USER:-postgres}} PGAPPNAME=xnai-backup PGCONNECT_TIMEOUT=30 LC_ALL=C`,
    `PGOPTIONS="${noLimits.map((setting) => `-c ${setting}`).join(' ')}"`,
    'export PGUSER PGAPPNAME PGCONNECT_TIMEOUT PGOPTIONS LC_ALL',
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

/** What a failed program means to the user. `code` where it is neither the password nor the server. */
export function describeToolFailure(
  ctx: Pick<MethodContext, 'container'>,
  tool: string,
  { exitCode, stderr }: { exitCode: number; stderr: string },
  code: 'EXEC_FAILED' | 'DUMP_FAILED' | 'RESTORE_FAILED' = 'EXEC_FAILED',
): BackupError {
  if (exitCode === 127 || exitCode === 126) {
    return new BackupError('TOOL_MISSING', `no ${tool} or no /bin/sh in ${ctx.container.name}`)
  }
  const said = stderr.trim().split('\n').slice(-5).join('\n')
  return judgeServer(said) ?? new BackupError(code, `${tool}: exit code ${exitCode}${said && `: ${said}`}`)
}

/** The server's disk, the password or the server itself, where the words of the program tell. */
export function judgeServer(said: string): BackupError | undefined {
  if (/No space left on device|(ERROR|FATAL|PANIC):\s+53100:/.test(said)) {
    return new BackupError('NO_SPACE', `PostgreSQL has no room on its disk: ${said}`, { hint: spaceHint })
  }
  if (
    /password authentication failed|no password supplied|authentication failed|no pg_hba\.conf entry|role ".*" does not exist\s*$/i.test(
      said,
    ) &&
    /FATAL|fe_sendauth|connection to server/i.test(said)
  ) {
    return new BackupError('AUTH_FAILED', `PostgreSQL refused the login: ${said}`, { hint: authHint })
  }
  if (
    /connection to server .* failed|could not connect|the database system is (starting|shutting|in recovery|not yet)/i.test(
      said,
    )
  ) {
    return new BackupError('SERVICE_DOWN', `PostgreSQL does not answer: ${said}`)
  }
  return undefined
}

const spaceHint =
  'Free space where the data of PostgreSQL lies: a restore fills new databases beside those of now, and writes all of it to the log (WAL) too.'
const authHint =
  'Name the variable of the container that holds the password (xnai.backup.postgres.password-env, often POSTGRES_PASSWORD) and the user (…postgres.user).'
