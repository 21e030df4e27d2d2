import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import type { RestoreContext } from '../../../src/methods/method.ts'
import { redis } from '../../../src/methods/redis/index.ts'
import { type MethodBench, methodBench, plainSpec, startBenchLab } from '../../support/method-context.ts'

const password = newSecret('redis')
let lab: Lab

beforeAll(async () => {
  lab = await startBenchLab('redis', [password])
})
afterAll(() => lab?.stop())

interface Instance {
  container: LabContainer
  bench: MethodBench<'redis'>
  /** Replies of commands, one a line, sent by standard input of redis-cli in the container. */
  cli(...commands: string[]): Promise<string>
}

async function start(
  service: LabService & {
    flags?: string[]
    config?: string
    options?: Partial<MethodOptions['redis']>
    cliFlags?: string[]
  },
): Promise<Instance> {
  const { flags = [], config = '', options = {}, cliFlags = [], ...rest } = service
  const volumes = rest.volumes ?? [`${lab.project}-${rest.name}:/data`]
  // Passwords come by standard input, and stand in no command line.
  const boot = `exec svc redis "$@" - <<END\n${config}\nEND`
  const command = rest.command ?? ['sh', '-c', boot, 'sh', ...flags]
  const container = await lab.run({ ...rest, volumes, command })
  const script = `printf '%s\\n' "$COMMANDS" | REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli "$@"`
  const cli = (...commands: string[]) =>
    lab.podman([
      ...['exec', '--env', `COMMANDS=${commands.join('\n')}`, container.name],
      ...['sh', '-c', script, 'sh', ...cliFlags],
    ])
  await eventually(async () => (await cli('PING')).includes('PONG'), 20, `${rest.name} answers`)
  const spec = plainSpec('redis', { port: 6379, tls: false, ...options })
  return { container, cli, bench: methodBench(lab, container.name, redis, spec) }
}

const content = async ({ cli }: Instance) =>
  cli('GET greeting', 'HGET user name', 'LRANGE list 0 -1', 'DBSIZE', 'SELECT 3', 'GET other', 'DBSIZE')
const fill = ({ cli }: Instance) =>
  cli(
    'SET greeting "good day"',
    'HSET user name ada',
    'RPUSH list 1 2 3',
    'SET brief x EX 1000',
    'SELECT 3',
    'SET other three',
  )
/** What must be gone after the restore. */
const damage = ({ cli }: Instance) => cli('SET greeting spoiled', 'SET newer 1', 'DEL user', 'SELECT 3', 'FLUSHDB')

async function roundTrip(instance: Instance): Promise<void> {
  await fill(instance)
  const before = await content(instance)
  const snapshot = await instance.bench.capture()
  expect(snapshot.facts).toMatchObject({ keys: 5, expires: 1, databases: '0,3', mode: 'standalone' })
  await damage(instance)
  for (const check of await instance.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await content(instance)).toBe(before)
  // And it stays so over a restart of the service's own.
  await lab.podman(['restart', instance.container.name])
  await eventually(async () => (await content(instance)) === before, 20, 'the same content after a restart')
}

describe('a round trip by content', () => {
  test('save points', async () => roundTrip(await start({ name: 'rdb', flags: ['--save', '60', '1'] })))

  test('neither save points nor a file of its own: none is left behind', async () => {
    const instance = await start({ name: 'nosave', flags: ['--save', ''] })
    await fill(instance)
    await instance.bench.capture()
    expect(await readdir((await instance.bench.context()).hostPath('/data'))).toEqual([])
    await roundTrip(instance)
  })

  test('append-only, twice, and nothing old is left', async () => {
    const instance = await start({ name: 'aof', flags: ['--appendonly', 'yes', '--save', ''] })
    await roundTrip(instance)
    await roundTrip(instance)
    const folder = (await instance.bench.context()).hostPath('/data/appendonlydir')
    expect((await readdir(folder)).length).toBe(3)
  })

  test('append-only with other names and a password', async () => {
    const flags = [
      '--appendonly',
      'yes',
      '--appenddirname',
      'aof dir',
      '--appendfilename',
      'my.aof',
      '--dbfilename',
      'my.rdb',
    ]
    const config = 'requirepass $REDIS_PASSWORD'
    await roundTrip(await start({ name: 'names', flags, config, env: { REDIS_PASSWORD: password } }))
  })

  test('user 1000:1000 on a bind mount keeps its files', async () => {
    const folder = join(lab.dir, 'files', 'user')
    await mkdir(folder, { recursive: true })
    const instance = await start({
      name: 'user',
      flags: ['--save', '60', '1'],
      user: '1000:1000',
      volumes: [`${folder}:/data:U`],
    })
    await roundTrip(instance)
    expect(await stat(join(folder, 'dump.rdb'))).toMatchObject({ uid: 1000, gid: 1000 })
  })

  test('TLS only, with a password and an ACL user', async () => {
    const make =
      'openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/key -out /tmp/cert -days 2 -subj /CN=redis 2>/dev/null'
    const files = 'tls-cert-file /tmp/cert\ntls-key-file /tmp/key\ntls-ca-cert-file /tmp/cert'
    const user = 'user backup on >$REDIS_PASSWORD ~* +ping +time +info +bgsave +config|get'
    const config = `port 0\ntls-port 6380\n${files}\ntls-auth-clients no\nsave 60 1\nrequirepass $REDIS_PASSWORD\n${user}`
    const instance = await start({
      name: 'tls',
      env: { REDIS_PASSWORD: password },
      command: ['sh', '-c', `${make}; exec svc redis - <<END\n${config}\nEND`],
      options: { port: 6380, tls: true, cacert: '/tmp/cert', user: 'backup' },
      cliFlags: ['-p', '6380', '--tls', '--cacert', '/tmp/cert'],
    })
    await roundTrip(instance)
  })
})

describe('what goes wrong is said, and nothing is touched', () => {
  const tried = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error) => error,
    )
  const bench = (container: LabContainer, options: Partial<MethodOptions['redis']> = {}) =>
    methodBench(lab, container.name, redis, plainSpec('redis', { port: 6379, tls: false, ...options }))

  test('passwords, rights, ports and transport', async () => {
    const config = 'requirepass $REDIS_PASSWORD\nuser limited on >$REDIS_PASSWORD ~* +ping +info +time'
    const keep = 'printf %s "$REDIS_PASSWORD" >/run/secret'
    const { container } = await start({
      name: 'errors',
      env: { REDIS_PASSWORD: password, WRONG_PASSWORD: newSecret('wrong') },
      command: ['sh', '-c', `${keep}; exec svc redis - <<END\n${config}\nEND`],
    })
    const capture = (options: Partial<MethodOptions['redis']>) => tried(bench(container, options).capture())
    expect(await capture({ passwordFile: '/run/secret' })).toBe('done')
    expect(await capture({ passwordFile: '/run/none' })).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture({ passwordEnv: 'WRONG_PASSWORD' })).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture({ passwordEnv: 'UNSET' })).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture({ user: 'limited' })).toMatchObject({
      code: 'AUTH_FAILED',
      hint: expect.stringContaining('+bgsave'),
    })
    expect(await capture({ port: 7777 })).toMatchObject({ code: 'SERVICE_DOWN' })
    const bare = await lab.run({ name: 'bare', command: ['/usr/bin/sleep', '600'], env: { PATH: '/nowhere' } })
    expect(await tried(bench(bare).capture())).toMatchObject({ code: 'TOOL_MISSING' })
  })

  test('data that lies on no volume', async () => {
    const instance = await start({ name: 'loose', volumes: [] })
    expect(await tried(instance.bench.capture())).toMatchObject({ code: 'PATH_UNREACHABLE' })
  })

  test('a save that fails', async () => {
    const instance = await start({ name: 'nosave2', flags: ['--save', ''] })
    // The finished file cannot take the name of a folder.
    await instance.container.exec(['mkdir', '/data/dump.rdb'])
    expect(await tried(instance.bench.capture())).toMatchObject({ code: 'DUMP_FAILED' })
  })

  test('a file of a newer server, and a replica', async () => {
    const instance = await start({ name: 'refuse', flags: ['--save', ''] })
    await fill(instance)
    const { facts, ...snapshot } = await instance.bench.capture()
    await instance.cli('SET greeting kept')
    const newer = { ...snapshot, facts: { ...facts, rdb: 'REDIS0099' } }
    expect(await tried(instance.bench.restore(newer))).toMatchObject({
      code: 'RESTORE_REFUSED',
      hint: expect.stringContaining('Nothing was touched'),
    })
    await instance.cli('REPLICAOF 127.0.0.1 1')
    expect(await tried(instance.bench.restore({ ...snapshot, facts }))).toMatchObject({ code: 'RESTORE_REFUSED' })
    expect(await instance.cli('GET greeting')).toBe('kept\n')
  })

  test('a server that cannot start for its damaged files gets them back', async () => {
    const instance = await start({ name: 'damaged', flags: ['--appendonly', 'yes', '--save', ''] })
    await fill(instance)
    const before = await content(instance)
    const snapshot = await instance.bench.capture()
    const folder = (await instance.bench.context()).hostPath('/data/appendonlydir')
    await lab.podman(['stop', '--time', '5', instance.container.name])
    await writeFile(join(folder, 'appendonly.aof.manifest'), 'nonsense\n')
    for (const check of await instance.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await content(instance)).toBe(before)
    expect(instance.bench.warnings.join()).toContain('where they were at the backup')
  })

  test('a restore that ends anywhere leaves the old or the new', async () => {
    const instance = await start({ name: 'cut', flags: ['--appendonly', 'yes'] })
    await fill(instance)
    const saved = await content(instance)
    const snapshot = await instance.bench.capture()
    await damage(instance)
    const now = await content(instance)
    const cut = (part: Partial<RestoreContext['service']>) =>
      tried(instance.bench.restore(snapshot, (ctx) => ({ ...ctx, service: { ...ctx.service, ...part } })))
    const die = () => Promise.reject(new Error('the controller is dead'))
    await cut({ stop: die })
    expect(await content(instance)).toBe(now)
    const { service } = await instance.bench.context()
    await cut({ stop: () => service.stop().then(die) })
    await service.start()
    await eventually(async () => (await content(instance)) === now, 20, 'the data of now')
    await cut({ start: die })
    await service.start()
    await eventually(async () => (await content(instance)) === saved, 20, 'the data of the snapshot')
  })
})
