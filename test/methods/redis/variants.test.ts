import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { startBenchLab } from '../../support/method-context.ts'
import { answers, content, damage, fill, password, type Redis, type RedisService, startRedis } from './server.ts'

const lab = await startBenchLab('redis', [password])
afterAll(() => lab.stop())

const bind = join(lab.dir, 'files', 'user')
await mkdir(bind, { recursive: true })

const tls = `port 0\ntls-port 6380\ntls-cert-file /tmp/redis.crt\ntls-key-file /tmp/redis.key
tls-ca-cert-file /tmp/ca.crt\ntls-auth-clients yes`

const client = { cert: '/tmp/redis.crt', key: '/tmp/redis.key' }

const services = {
  rdb: { config: 'save 60 1' },
  unsaved: { config: 'save ""' },
  aof: { config: 'appendonly yes\nsave ""' },
  names: {
    config: `appendonly yes\nappenddirname "aof dir"\nappendfilename my.aof\ndbfilename my.rdb
requirepass $REDIS_PASSWORD`,
    env: { REDIS_PASSWORD: password },
  },
  user: { config: 'save 60 1', user: '1000:1000', volumes: [`${bind}:/data:U`] },
  tls: {
    config: `${tls}\nsave 60 1\nrequirepass $REDIS_PASSWORD
user backup on >$REDIS_PASSWORD ~* +ping +time +info +bgsave +config|get`,
    env: { REDIS_PASSWORD: password, CERTIFICATES: 'yes' },
    options: { port: 6380, tls: true, cacert: '/tmp/ca.crt', ...client, user: 'backup' },
    cliFlags: ['-p', '6380', '--tls', '--cacert', '/tmp/ca.crt', '--cert', client.cert, '--key', client.key],
  },
} satisfies Record<string, Omit<RedisService, 'name'>>

/** One server for each configuration; they start at the same time. */
const servers = Object.fromEntries(
  await Promise.all(
    Object.entries(services).map(async ([name, more]) => [name, await startRedis(lab, { name, ...more })]),
  ),
) as Record<keyof typeof services, Redis>

/** Writes, backs up, damages, restores, and compares, also after a restart by the operator. */
async function roundTrip(server: Redis): Promise<void> {
  await fill(server)
  const before = await content(server)
  const snapshot = await server.bench.capture()
  expect(snapshot.facts).toMatchObject({ keys: 6, expires: 1, databases: '0,3', mode: 'standalone' })
  await damage(server)
  for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await content(server)).toBe(before)
  await lab.podman(['restart', server.name])
  await eventually(async () => (await content(server)) === before, 60, 'the same content after a restart')
}

const hostPath = async ({ bench }: Redis, path: string) => (await bench.context()).hostPath(path)

test('a server with save points comes back', () => roundTrip(servers.rdb))

test('a server without save points comes back, and a backup leaves no RDB file behind', async () => {
  await fill(servers.unsaved)
  await servers.unsaved.bench.capture()
  expect(await readdir(await hostPath(servers.unsaved, '/data'))).toEqual([])
  await servers.unsaved.cli('FLUSHALL')
  await roundTrip(servers.unsaved)
})

test('an append-only server comes back twice, keeps no old file, and appends to what came back', async () => {
  const { aof } = servers
  await roundTrip(aof)
  await aof.cli('FLUSHALL')
  await roundTrip(aof)
  // The server removes files that it no longer needs in the background.
  const folder = await hostPath(aof, '/data/appendonlydir')
  await eventually(async () => (await readdir(folder)).length === 3, 60, 'no old file is left')
  expect(await aof.cli('CONFIG GET appendonly')).toBe('appendonly\nyes\n')
  await aof.cli('SET after restore')
  await lab.podman(['kill', aof.name])
  await lab.podman(['wait', aof.name])
  await lab.podman(['start', aof.name])
  await eventually(async () => (await aof.cli('GET after')) === 'restore\n', 60, 'the append-only file is read')
})

test('an append-only server comes back after the loss of all its files', async () => {
  const { aof } = servers
  await aof.cli('FLUSHALL')
  await fill(aof)
  const before = await content(aof)
  const snapshot = await aof.bench.capture()
  const data = await hostPath(aof, '/data')
  await lab.podman(['stop', '--time', '10', aof.name])
  await rm(join(data, 'appendonlydir'), { recursive: true })
  await rm(join(data, 'dump.rdb'), { force: true })
  await lab.podman(['start', aof.name])
  await answers(aof)
  expect(await aof.cli('DBSIZE')).toBe('0\n')
  for (const check of await aof.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await content(aof)).toBe(before)
})

test('an append-only server with file names of its own and a password comes back', () => roundTrip(servers.names))

test('a server of user 1000:1000 on a bind mount comes back, and its files keep owner and mode', async () => {
  const owner = async (path: string) => {
    const { uid, gid, mode } = await stat(join(bind, path))
    return `${uid}:${gid} ${(mode & 0o777).toString(8)}`
  }
  await servers.user.cli('SAVE')
  const before = [await owner('.'), await owner('dump.rdb')]
  expect(before[1]).toMatch(/^1000:1000 /)
  await roundTrip(servers.user)
  expect([await owner('.'), await owner('dump.rdb')]).toEqual(before)
})

test('a server with TLS alone, its own authority, certificates of clients and an ACL user of few rights comes back', () =>
  roundTrip(servers.tls))
