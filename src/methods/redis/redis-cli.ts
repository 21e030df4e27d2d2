import { BackupError } from '../../errors.ts'
import { startHint } from '../../hints.ts'
import type { MethodOptions } from '../../labels/spec.ts'
import type { ExecResult, MethodContext } from '../method.ts'
import { exportSecret, secretEnvironment, unreadableSecret } from '../shared/secret.ts'
import { describeSent } from '../shared/sent-secret.ts'
import { findReplyError } from './reply.ts'

/**
 * Sends the commands to the server by `redis-cli` in the container. Returns the text of all replies; one error among them is
 * thrown.
 */
export async function askRedisCli(
  ctx: MethodContext,
  options: MethodOptions['redis'],
  commands: string[],
): Promise<string> {
  const result = await runRedisCli(ctx, options, commands.join('\n'))
  const places = { file: options.passwordFile, variables: [passwordVariable(options)] }
  const sent = describeSent(places, ctx.container.environment)
  const error = findCliError(result, ctx, options) ?? findReplyError(result.stdout, sent)
  if (error) throw error
  return result.stdout
}

const timeoutSeconds = 30

const passwordVariable = ({ passwordEnv }: MethodOptions['redis']): string => passwordEnv ?? 'REDIS_PASSWORD'

function runRedisCli(ctx: MethodContext, options: MethodOptions['redis'], input: string): Promise<ExecResult> {
  const secret = options.passwordFile ? { file: options.passwordFile } : { variable: passwordVariable(options) }
  const script = [
    'cli=$(command -v redis-cli || command -v valkey-cli) || exit 127',
    exportSecret('REDISCLI_AUTH', secret),
    'exec "$cli" "$@"',
  ].join('\n')
  return ctx.exec(['/bin/sh', '-c', script, 'sh', ...cliArguments(options)], {
    input: `${input}\n`,
    environment: secretEnvironment(secret),
    timeoutSeconds,
  })
}

function cliArguments({ port, user, tls, ...files }: MethodOptions['redis']): string[] {
  const named = (['cacert', 'cert', 'key'] as const).flatMap((name) => (files[name] ? [`--${name}`, files[name]] : []))
  return ['-p', String(port), ...(user ? ['--user', user] : []), ...(tls ? ['--tls', ...named] : [])]
}

/**
 * The error that the run of redis-cli itself shows; undefined where its output is a reply. After a failed login redis-cli goes on: then
 * the reply says NOAUTH, unless the server wants no password at all.
 */
function findCliError({ exitCode, stderr }: ExecResult, ctx: MethodContext, options: MethodOptions['redis']) {
  const said = stderr.trim()
  if (exitCode === unreadableSecret) {
    return new BackupError('AUTH_FAILED', `the password file ${options.passwordFile} cannot be read: ${said}`)
  }
  if (exitCode === 126 || exitCode === 127) {
    return new BackupError('TOOL_MISSING', `no redis-cli, valkey-cli or /bin/sh in ${ctx.container.name}`)
  }
  // With commands on its standard input redis-cli exits 0 although it found no server.
  if (exitCode !== 0 || /could not connect|connection re(fused|set)|server closed/i.test(said)) {
    const hint = /ssl|certificate|server closed/i.test(said) ? tlsHint : startHint(ctx.container)
    return new BackupError('SERVICE_DOWN', `Redis does not answer on port ${options.port}: ${said}`, { hint })
  }
  return undefined
}

const tlsHint =
  'Check xnai.backup.redis.port, …redis.tls and …redis.cacert. A server with tls-auth-clients yes wants a certificate too: …redis.cert and …redis.key.'
