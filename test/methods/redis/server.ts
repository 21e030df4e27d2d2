import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import * as redis from '../../../src/methods/redis/work.ts'
import { type MethodBench, methodBench, plainSpec } from '../../support/method-context.ts'
import { ourFiles, runSubject, type Subject, serve, shell } from '../shared/subject.ts'

export const password = newSecret('redis')

export interface Redis extends LabContainer {
  bench: MethodBench<'redis'>
  /** Replies to commands, one a line; they reach redis-cli by its standard input. */
  cli(...commands: string[]): Promise<string>
}

export type RedisOptions = MethodBench<'redis'>['spec']['options']

export interface RedisService extends Partial<LabService> {
  name: string
  /** Lines of redis.conf; `$REDIS_PASSWORD` is what the container has. */
  config?: string
  /** Of the target, for the bench. */
  options?: Partial<RedisOptions>
  /** Further arguments of redis-cli. */
  cliFlags?: string[]
}

/**
 * Starts a Redis whose password stands in a file, as it should, and in no command line. CERTIFICATES=yes makes
 * certificates in /tmp.
 */
export async function startRedis(lab: Lab, service: RedisService): Promise<Redis> {
  const { config = '', options = {}, cliFlags = [], ...rest } = service
  const volumes = [`${lab.project}-${rest.name}:/data`]
  const container = await lab.run({ volumes, command: boot(config), ...rest })
  const script = `printf '%s\\n' "$COMMANDS" | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli "$@"`
  const cli: Redis['cli'] = (...commands) =>
    container.exec(['sh', '-c', script, 'sh', ...cliFlags], { env: { COMMANDS: commands.join('\n') } })
  const spec = plainSpec('redis', { port: 6379, tls: false, ...options })
  const server = { ...container, cli, bench: methodBench(lab, container.name, redis, spec) }
  if (!rest.create) await answers(server)
  return server
}

export const answers = ({ name, cli }: Redis): Promise<unknown> =>
  eventually(async () => (await cli('PING')).includes('PONG'), 60, `${name} answers`)

const boot = (config: string) => [
  'sh',
  '-c',
  `${makeCertificates}\ncat >/tmp/redis.conf <<END
dir /data\nbind 0.0.0.0\nprotected-mode no\n${config}
END
exec redis-server /tmp/redis.conf`,
]

const makeCertificates = `[ -z "$CERTIFICATES" ] || (cd /tmp && exec 2>/dev/null &&
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority &&
  openssl req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=redis &&
  openssl x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out redis.crt -days 2) || exit 1`

/** Keys of several types in two databases. */
export const fill = ({ cli }: Redis): Promise<string> =>
  cli(
    'SET greeting "good day"',
    'HSET user name ada age 36',
    'RPUSH list 1 2 3',
    'ZADD scores 1.5 one 2.5 two',
    'SET brief x EX 100000',
    'SELECT 3',
    'SET other three',
  )

/** All that a restore must bring back. */
export const content = ({ cli }: Redis): Promise<string> =>
  cli(
    'GET greeting',
    'HGETALL user',
    'LRANGE list 0 -1',
    'ZRANGE scores 0 -1 WITHSCORES',
    'EXISTS brief newer',
    'DBSIZE',
    'SELECT 3',
    'GET other',
    'DBSIZE',
  )

/** Older keys changed and gone, a newer one there. */
export const damage = ({ cli }: Redis): Promise<string> =>
  cli('SET greeting spoiled', 'SET newer 1', 'DEL user', 'SELECT 3', 'FLUSHDB')

export const subject: Subject = {
  method: 'redis',
  drill: { other: ['keys loaded'] },
  moments: ['replace', 'start'],
  fullDisk: {
    size: 30,
    left: 4,
    isReadable: false,
    hint: /--no-safety/,
    load: shell('head -c 8000000 /dev/urandom | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli -x SET 10'),
    takesWrites: true,
  },
  damage: (data) => writeFile(join(data, 'dump.rdb'), 'no RDB at all'),
  start: async (story, options) => {
    const config = 'save 3600 1\nrequirepass $REDIS_PASSWORD'
    const env = { REDIS_PASSWORD: password }
    const container = await runSubject(story, 'redis', '/data', { env, command: boot(config), ...options })
    const client = `printf '%s\\n' "$@" | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli`
    const ask = (...commands: string[]) => container.exec(['sh', '-c', client, 'sh', ...commands])
    return serve(container, {
      add: (numbers) => ask(...numbers.map((n) => `SET ${n} here`)),
      numbers: async () => {
        const answer = await ask('PING', 'KEYS *')
        if (!answer.startsWith('PONG\n')) throw new Error(answer)
        return answer.slice('PONG\n'.length)
      },
      leftovers: () => ourFiles(container, '/data'),
    })
  },
}
