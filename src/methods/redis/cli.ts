import { BackupError } from '../../errors.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import type { ExecResult, MethodContext } from '../method.ts'
import { exportSecret, secretEnvironment, unreadableSecret } from '../shared/secret.ts'
import { findReplyError, type Info, infoNumber, parseConfig, parseInfo } from './reply.ts'

/** The server, asked by its own client program inside the container. Every answer was checked for errors. */
export interface RedisCli {
  /** Server clock in whole seconds, and INFO of the same instant. */
  look(): Promise<{ second: number; info: Info }>
  /** Parameters that this version does not know are missing in the answer. */
  config(names: readonly string[]): Promise<Map<string, string>>
  /** The reply to `BGSAVE SCHEDULE`; `busy` while another save runs. */
  save(): Promise<'started' | 'scheduled' | 'busy'>
}

export function redisCli(ctx: MethodContext, options: MethodOptions['redis']): RedisCli {
  const ask = async (...commands: string[]): Promise<string> => {
    const result = await runCli(ctx, options, commands.join('\n'))
    const error = cliError(result, ctx, options) ?? findReplyError(result.stdout)
    if (error) throw error
    return result.stdout
  }
  return {
    look: async () => {
      const text = await ask('TIME', 'INFO')
      const info = parseInfo(text)
      const second = Number.parseInt(text, 10)
      if (!info.has('run_id') || !(second > 0)) throw new BackupError('EXEC_FAILED', 'INFO of Redis is not readable')
      return { second, info }
    },
    config: async (names) => parseConfig(await ask(...names.map((name) => `CONFIG GET ${name}`)), names),
    save: () => ask('BGSAVE SCHEDULE').then(readSaveReply, acceptBusy),
  }
}

/** `redis 8.0.2`, `valkey 8.1.1`. */
export function serverName(info: Info): string {
  const valkey = info.get('valkey_version')
  return valkey ? `valkey ${valkey}` : `redis ${info.get('redis_version') ?? 'unknown'}`
}

/** Is the data in memory? */
export const isLoaded = (info: Info): boolean => infoNumber(info, 'loading') === 0

const callSeconds = 30

function runCli(ctx: MethodContext, options: MethodOptions['redis'], input: string): Promise<ExecResult> {
  const secret = options.passwordFile
    ? { file: options.passwordFile }
    : { variable: options.passwordEnv ?? 'REDIS_PASSWORD' }
  const script = [
    'cli=$(command -v redis-cli || command -v valkey-cli) || exit 127',
    exportSecret('REDISCLI_AUTH', secret),
    'exec "$cli" "$@"',
  ].join('\n')
  return ctx.exec(['/bin/sh', '-c', script, 'sh', ...cliArguments(options)], {
    input: `${input}\n`,
    environment: secretEnvironment(secret),
    timeoutSeconds: callSeconds,
  })
}

function cliArguments({ port, user, tls, cacert }: MethodOptions['redis']): string[] {
  const account = user ? ['--user', user] : []
  const transport = tls ? ['--tls', ...(cacert ? ['--cacert', cacert] : [])] : []
  return ['-p', String(port), ...account, ...transport]
}

/** What redis-cli itself complains about, or undefined where the reply counts. */
function cliError({ exitCode, stderr }: ExecResult, ctx: MethodContext, options: MethodOptions['redis']) {
  const said = stderr.trim()
  if (exitCode === unreadableSecret) {
    return new BackupError('AUTH_FAILED', `the password file ${options.passwordFile} cannot be read: ${said}`)
  }
  if (exitCode === 126 || exitCode === 127) {
    return new BackupError('TOOL_MISSING', `no redis-cli, valkey-cli or /bin/sh in ${ctx.container.name}`)
  }
  // With commands on its standard input redis-cli exits 0 although it found no server.
  if (exitCode !== 0 || /could not connect|connection re(fused|set)|server closed/i.test(said)) {
    const hint = /ssl|certificate|server closed/i.test(said) ? { hint: tlsHint } : {}
    return new BackupError('SERVICE_DOWN', `Redis does not answer on port ${options.port}: ${said}`, hint)
  }
  // It also goes on without a login; then the reply says NOAUTH, unless the server wants no password at all.
  return undefined
}

const tlsHint =
  'Check xnai.backup.redis.port, …redis.tls and …redis.cacert. A server with tls-auth-clients yes wants tls-auth-clients optional.'

function readSaveReply(reply: string): 'started' | 'scheduled' {
  if (/background saving started/i.test(reply)) return 'started'
  if (/background saving scheduled/i.test(reply)) return 'scheduled'
  throw new BackupError('DUMP_FAILED', `BGSAVE: unexpected reply ${reply.trim().slice(0, 200)}`)
}

/** Comes even with SCHEDULE while a save or a diskless replication child runs. */
function acceptBusy(error: unknown): 'busy' {
  if (error instanceof BackupError && /background save already in progress/i.test(error.message)) return 'busy'
  throw error
}
