import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { RestoreContext } from '../../../src/methods/method.ts'
import * as redis from '../../../src/methods/redis/work.ts'
import { failure, methodBench, plainSpec } from '../../support/method-context.ts'
import { backedUp, openStory, states } from '../../support/story.ts'
import { sharedFailures } from '../shared/failures.ts'
import { content, damage, fill, password, type RedisOptions, startRedis, subject } from './server.ts'

const story = await openStory('redis-failures')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const [locked, loose, blocked, aof] = await Promise.all([
  startRedis(lab, {
    name: 'locked',
    env: { REDIS_PASSWORD: password, WRONG_PASSWORD: newSecret('wrong') },
    config: 'requirepass $REDIS_PASSWORD\nuser limited on >$REDIS_PASSWORD ~* +ping +info +time',
    labels: backedUp('redis'),
  }),
  startRedis(lab, { name: 'loose', volumes: [] }),
  startRedis(lab, { name: 'blocked', config: 'save ""' }),
  startRedis(lab, { name: 'aof', config: 'appendonly yes\nsave ""' }),
])

sharedFailures(story, subject)

describe('a backup fails and says why', () => {
  const capture = (options: Partial<RedisOptions>, { name } = locked) =>
    failure(methodBench(lab, name, redis, plainSpec('redis', { port: 6379, tls: false, ...options })).capture())

  test('with a wrong, a missing and an unreadable password, and with a user of too few rights', async () => {
    await locked.exec(['sh', '-c', 'printf %s "$REDIS_PASSWORD" >/run/secret'])
    expect(await capture({ passwordFile: '/run/secret' })).toBe('no failure')
    expect(await capture({ passwordFile: '/run/none' })).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture({ passwordEnv: 'WRONG_PASSWORD' })).toMatchObject({
      code: 'AUTH_FAILED',
      hint: expect.stringContaining('xnai.backup.redis.password-env'),
    })
    expect(await capture({ passwordEnv: 'UNSET' })).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture({ user: 'limited' })).toMatchObject({
      code: 'AUTH_FAILED',
      hint: expect.stringContaining('+bgsave'),
    })
  })

  test('where nothing listens on the port', async () => {
    expect(await capture({ port: 7777 })).toMatchObject({
      code: 'SERVICE_DOWN',
      message: expect.stringContaining('7777'),
    })
  })

  test('in an image without redis-cli', async () => {
    const bare = await lab.run({ name: 'bare', command: ['/usr/bin/sleep', 'infinity'], env: { PATH: '/nowhere' } })
    expect(await capture({}, { ...locked, name: bare.name })).toMatchObject({ code: 'TOOL_MISSING' })
  })

  test('where the data lies on no volume', async () => {
    expect(await failure(loose.bench.capture())).toMatchObject({ code: 'PATH_UNREACHABLE' })
  })

  test('when the save fails', async () => {
    // The finished file cannot take the name of a folder.
    await blocked.exec(['mkdir', '/data/dump.rdb'])
    expect(await failure(blocked.bench.capture())).toMatchObject({ code: 'DUMP_FAILED' })
    await blocked.exec(['rmdir', '/data/dump.rdb'])
  })

  test('of a stopped container, which stays stopped', async () => {
    await lab.podman(['stop', '--time', '10', locked.name])
    const before = await states(lab)
    const { exitCode, json } = await story.call(['backup', 'locked'])
    expect(exitCode).toBe(1)
    expect(json.targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'SERVICE_DOWN' } })
    expect(json.targets[0].error.hint).toMatch(/\w/)
    expect(json.targets[0]).not.toHaveProperty('snapshot')
    expect((await story.listed()).filter((id) => id.endsWith('locked'))).toEqual([])
    expect(await states(lab)).toEqual(before)
    await lab.podman(['start', locked.name])
  })
})

describe('a restore', () => {
  test('of a file of a newer server, and into a replica, is refused, and nothing is touched', async () => {
    await fill(blocked)
    const { facts, ...snapshot } = await blocked.bench.capture()
    await blocked.cli('SET greeting kept')
    const newer = { ...snapshot, facts: { ...facts, rdb: 'REDIS0099' } }
    expect(await failure(blocked.bench.restore(newer))).toMatchObject({
      code: 'RESTORE_REFUSED',
      hint: expect.stringContaining('Nothing was touched'),
    })
    await blocked.cli('REPLICAOF 127.0.0.1 1')
    expect(await failure(blocked.bench.restore({ ...snapshot, facts }))).toMatchObject({ code: 'RESTORE_REFUSED' })
    await blocked.cli('REPLICAOF NO ONE')
    expect(await blocked.cli('GET greeting')).toBe('kept\n')
  })

  test('of a server that damaged files keep from starting replaces them', async () => {
    await aof.cli('FLUSHALL')
    await fill(aof)
    const before = await content(aof)
    const snapshot = await aof.bench.capture()
    const folder = (await aof.bench.context()).hostPath('/data/appendonlydir')
    await lab.podman(['stop', '--time', '5', aof.name])
    await writeFile(join(folder, 'appendonly.aof.manifest'), 'nonsense\n')
    for (const check of await aof.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await content(aof)).toBe(before)
    expect(aof.bench.warnings.join()).toContain('where they were at the backup')
  })

  test('that dies before, after or instead of a stop or a start leaves the old data or the new', async () => {
    await aof.cli('FLUSHALL')
    await fill(aof)
    const saved = await content(aof)
    const snapshot = await aof.bench.capture()
    await damage(aof)
    const now = await content(aof)
    const cut = (part: Partial<RestoreContext['service']>) =>
      failure(aof.bench.restore(snapshot, (ctx) => ({ ...ctx, service: { ...ctx.service, ...part } })))
    const die = () => Promise.reject(new Error('the controller is dead'))
    await cut({ stop: die })
    expect(await content(aof)).toBe(now)
    const { service } = await aof.bench.context()
    await cut({ stop: () => service.stop().then(die) })
    await service.start()
    await eventually(async () => (await content(aof)) === now, 60, 'the data of now')
    await cut({ start: die })
    await service.start()
    await eventually(async () => (await content(aof)) === saved, 60, 'the data of the snapshot')
  })
})
