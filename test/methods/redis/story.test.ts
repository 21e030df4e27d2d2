import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, openStory, type Story, states } from '../../support/story.ts'

const password = newSecret('redis')
const wrongPassword = newSecret('wrong')
let story: Story

beforeAll(async () => {
  story = await openStory('redis-story')
})
afterAll(() => story?.[Symbol.asyncDispose]())

interface Redis extends LabContainer {
  /** Replies to commands, one a line. */
  cli(...commands: string[]): Promise<string>
}

interface Configuration {
  /** Lines of redis.conf; `$REDIS_PASSWORD` is what the container has. */
  config?: string
  labels?: Record<string, string>
  cliFlags?: string
  /** Not started. */
  create?: boolean
}

/** A Redis whose password stands in a file, as it should, and in no command line. */
async function start(
  name: string,
  { config = '', labels = {}, cliFlags = '', create = false, ...service }: Configuration & Partial<LabService> = {},
): Promise<Redis> {
  const boot = `${makeCertificates}\ncat >/tmp/redis.conf <<END\ndir /data\nbind 0.0.0.0\nprotected-mode no\n${config}\nEND\nexec redis-server /tmp/redis.conf`
  const container = await story.lab.run({
    name,
    command: ['sh', '-c', boot],
    volumes: [`${story.lab.project}-${name}:/data`],
    labels: backedUp('redis', labels),
    create,
    ...service,
  })
  const script = `printf '%s\\n' "$0" "$@" | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli ${cliFlags}`
  const cli = (...commands: string[]) => container.exec(['sh', '-c', script, ...commands])
  if (!create) await eventually(async () => (await cli('PING')).includes('PONG'), 30, `${name} answers`)
  return { ...container, cli }
}

const makeCertificates = `[ -z "$CERTIFICATES" ] || (cd /tmp && exec 2>/dev/null &&
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority &&
  openssl req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=redis &&
  openssl x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out redis.crt -days 2) || exit 1`

const fill = ({ cli }: Redis) =>
  cli(
    'SET greeting "good day"',
    'HSET user name ada age 36',
    'RPUSH list 1 2 3',
    'ZADD scores 1.5 one 2.5 two',
    'SET brief x EX 100000',
    'SELECT 5',
    'SET other five',
  )
const content = ({ cli }: Redis) =>
  cli(
    'GET greeting',
    'HGETALL user',
    'LRANGE list 0 -1',
    'ZRANGE scores 0 -1 WITHSCORES',
    'EXISTS brief newer',
    'DBSIZE',
    'SELECT 5',
    'GET other',
    'DBSIZE',
  )
const destroy = ({ cli }: Redis) => cli('FLUSHALL', 'SET greeting spoiled', 'SET newer 1', 'SAVE')

async function roundTrip(redis: Redis, target: string): Promise<void> {
  await fill(redis)
  const before = await content(redis)
  await story.backUp(target)
  await destroy(redis)
  expect(await content(redis)).not.toBe(before)
  await story.restore(target)
  expect(await content(redis)).toBe(before)
  // And its own next start reads the same.
  await story.lab.podman(['restart', '--time', '10', redis.name])
  await eventually(async () => (await content(redis)) === before, 30, 'the same content after a restart')
}

describe('redis: written, backed up, destroyed, restored, the same', () => {
  test('RDB', async () => roundTrip(await start('rdb', { config: 'save 60 1' }), 'rdb'))

  test('append-only: nothing of the old data, and append-only still', async () => {
    const redis = await start('aof', { config: 'appendonly yes\nsave ""' })
    await roundTrip(redis, 'aof')
    expect(await redis.cli('CONFIG GET appendonly')).toBe('appendonly\nyes\n')
    await redis.cli('SET after restore')
    await story.lab.podman(['kill', redis.name])
    await story.lab.podman(['start', redis.name])
    await eventually(async () => (await redis.cli('GET after')) === 'restore\n', 30, 'it appends to what came back')
  })

  test('append-only, all its files lost', async () => {
    const redis = await start('aof-lost', { config: 'appendonly yes\nsave ""' })
    await fill(redis)
    const before = await content(redis)
    await story.backUp('aof-lost')
    await story.lab.podman(['stop', '--time', '10', redis.name])
    const [mount] = (await story.lab.inspect(redis.name)).Mounts
    await rm(join(mount?.Source ?? '', 'appendonlydir'), { recursive: true })
    await rm(join(mount?.Source ?? '', 'dump.rdb'), { force: true })
    await story.lab.podman(['start', redis.name])
    await eventually(async () => (await redis.cli('DBSIZE')) === '0\n', 30, 'it is empty')
    await story.restore('aof-lost')
    expect(await content(redis)).toBe(before)
  })

  test('TLS only, with a certificate of its own authority and a password', async () => {
    const redis = await start('tls', {
      env: { REDIS_PASSWORD: password, CERTIFICATES: 'yes' },
      config: `save 60 1\nrequirepass $REDIS_PASSWORD\nport 0\ntls-port 6380\ntls-cert-file /tmp/redis.crt\ntls-key-file /tmp/redis.key
tls-ca-cert-file /tmp/ca.crt\ntls-auth-clients no`,
      labels: { 'redis.tls': 'true', 'redis.cacert': '/tmp/ca.crt', 'redis.port': '6380' },
      cliFlags: '-p 6380 --tls --cacert /tmp/ca.crt',
    })
    await roundTrip(redis, 'tls')
  })

  test('user 1000:1000 on a bind mount: its files stay its own', async () => {
    const folder = join(story.lab.dir, 'files', 'user')
    await mkdir(folder, { recursive: true })
    const redis = await start('user', { config: 'save 60 1', user: '1000:1000', volumes: [`${folder}:/data:U`] })
    const owner = async (path: string) => {
      const { uid, gid, mode } = await stat(join(folder, path))
      return `${uid}:${gid} ${(mode & 0o777).toString(8)}`
    }
    await redis.cli('SAVE')
    const before = [await owner('.'), await owner('dump.rdb')]
    expect(before[1]).toMatch(/^1000:1000 /)
    await roundTrip(redis, 'user')
    expect([await owner('.'), await owner('dump.rdb')]).toEqual(before)
  })

  test('a server that is stopped is restored, and stopped again', async () => {
    const redis = await start('down', { config: 'save 60 1', labels: { 'verify.exec': 'true' } })
    await fill(redis)
    const before = await content(redis)
    const id = await story.backUp('down')
    await destroy(redis)
    await story.lab.podman(['stop', '--time', '10', redis.name])
    const { safetySnapshot } = await story.restore('down')
    expect(await states(story.lab)).toMatchObject({ down: 'exited' })
    await story.lab.podman(['start', redis.name])
    await eventually(async () => (await content(redis)) === before, 30, 'what was backed up is there')
    await story.restore('down', '--at', safetySnapshot)
    expect(await redis.cli('GET greeting')).toBe('spoiled\n')

    // As on a bare host: the container and its volume are new, and nothing ever ran in them.
    await story.lab.podman(['rm', '--force', '--volumes', '--time', '10', redis.name])
    await story.lab.podman(['volume', 'rm', `${story.lab.project}-down`])
    await start('down', { config: 'save 60 1', create: true })
    await story.restore('down', '--at', id)
    expect(await states(story.lab)).not.toMatchObject({ down: 'running' })
    await story.lab.podman(['start', redis.name])
    await eventually(async () => (await content(redis)) === before, 30, 'it begins with what was backed up')
  })

  test('a writer that never pauses: one instant, between its first and its last write', async () => {
    const redis = await start('busy', { config: 'save 60 1' })
    const loop = `while :; do n=$((n+1)); printf 'MULTI\\nSET first %s\\nSET second %s\\nEXEC\\n' $n $n; done | redis-cli >/dev/null`
    await story.lab.podman(['exec', '--detach', redis.name, 'sh', '-c', loop])
    await eventually(async () => Number(await redis.cli('GET first')) > 100, 30, 'the writer writes')
    const count = async () => (await redis.cli('MGET first second')).trim().split('\n').map(Number)
    const [started = 0] = await count()
    await story.backUp('busy')
    const [ended = 0] = await count()
    await story.restore('busy')
    const [first = 0, second] = await count()
    expect(first).toBe(second)
    expect(first).toBeGreaterThanOrEqual(started)
    expect(first).toBeLessThanOrEqual(ended)
  })
})

describe('redis: what cannot be backed up', () => {
  const failure = async (target: string) => {
    const before = await states(story.lab)
    const { exitCode, json } = await story.call(['backup', target])
    expect(exitCode).toBe(1)
    expect(json).toMatchObject({ outcome: 'failed', targets: [{ target, outcome: 'failed' }] })
    expect(json.targets[0]).not.toHaveProperty('snapshot')
    expect((await story.listed()).filter((id) => id.endsWith(target))).toEqual([])
    expect(await states(story.lab)).toEqual(before)
    return json.targets[0].error
  }

  test('a wrong password', async () => {
    await start('locked', {
      env: { REDIS_PASSWORD: password, WRONG_PASSWORD: wrongPassword },
      config: 'requirepass $REDIS_PASSWORD',
      labels: { 'redis.password-env': 'WRONG_PASSWORD' },
    })
    const error = await failure('locked')
    expect(error.code).toBe('AUTH_FAILED')
    expect(error.hint).toContain('xnai.backup.redis.password-env')
  })

  test('nothing listens on the port', async () => {
    await start('elsewhere', { labels: { 'redis.port': '6399' } })
    const error = await failure('elsewhere')
    expect(error.code).toBe('SERVICE_DOWN')
    expect(error.message).toContain('6399')
  })

  test('the container is stopped: it stays so', async () => {
    const { name } = await start('stopped')
    await story.lab.podman(['stop', '--time', '10', name])
    const error = await failure('stopped')
    expect(error.code).toBe('SERVICE_DOWN')
    expect(error.hint).not.toBe('')
  })
})
