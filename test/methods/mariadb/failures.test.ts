import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Lab, LabContainer } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import { mariadb } from '../../../src/methods/mariadb/index.ts'
import type { RestoreContext, StoredSnapshot } from '../../../src/methods/method.ts'
import { type MethodBench, methodBench, plainSpec, startBenchLab } from '../../support/method-context.ts'
import { rootPassword, type Server, startServer } from './server.ts'

let lab: Lab
let server: Server
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

beforeAll(async () => {
  lab = await startBenchLab('mariadb-failures')
  const env = {
    MARIADB_ROOT_PASSWORD: rootPassword,
    WRONG_PASSWORD: newSecret('wrong'),
    UNREADABLE_FILE: '/nowhere',
    PATH: `/tmp/first:${path}`,
  }
  // So small that a few megabytes do not fit beside what the server needs itself.
  const args = ['--tmpfs', '/var/lib/mysql:size=220M']
  const command = ['svc', 'mariadb', '--innodb-log-file-size=8M', '--innodb-temp-data-file-path=ibtmp1:1M:autoextend']
  server = await startServer(lab, { name: 'db', env, volumes: [], args, command })
})
afterAll(() => lab?.stop())

const bench = ({ name }: Pick<LabContainer, 'name'>, options: Partial<MethodOptions['mariadb']> = {}) =>
  methodBench(lab, name, mariadb, plainSpec('mariadb', { user: 'root', ...options }))

const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error) => error,
  )
const capture = (one: MethodBench<'mariadb'>) => failure(one.capture())

describe('what cannot be backed up is said', () => {
  test('an empty server can', async () => {
    const snapshot = await server.bench.capture()
    expect(snapshot.artifacts.map(({ name }) => name)).toEqual(['accounts.sql'])
    for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  })

  test('a wrong password, an unknown user, a file that cannot be read, a database that is not there', async () => {
    const wrong = await capture(bench(server, { passwordEnv: 'WRONG_PASSWORD' }))
    expect(wrong).toMatchObject({ code: 'AUTH_FAILED', hint: expect.stringContaining('password-env') })
    expect(await capture(bench(server, { user: 'nobody' }))).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture(bench(server, { passwordEnv: 'UNREADABLE' }))).toMatchObject({ code: 'AUTH_FAILED' })
    const missing = await capture(bench(server, { databases: ['none'] }))
    expect(missing).toMatchObject({ code: 'TARGET_BROKEN', message: expect.stringContaining('none') })
  })

  test('a server that is down, and an image without the programs', async () => {
    const down = await lab.run({ name: 'down', command: ['sleep', '600'] })
    expect(await capture(bench(down))).toMatchObject({ code: 'SERVICE_DOWN' })
    const bare = await lab.run({ name: 'bare', command: ['/usr/bin/sleep', '600'], env: { PATH: '/nowhere' } })
    expect(await capture(bench(bare))).toMatchObject({ code: 'TOOL_MISSING' })
  })

  test('a dump whose program fails, is cut, says nothing, leaves out a table, or stumbles over a view', async () => {
    await server.sql('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); INSERT INTO shop.orders VALUES (1)')
    const fake = async (body: string) => {
      const script = `mkdir -p /tmp/first; printf '#!/bin/sh\\n%s\\n' "$BODY" > /tmp/first/mariadb-dump; chmod 755 /tmp/first/mariadb-dump`
      await lab.podman(['exec', '--env', `BODY=${body}`, server.name, 'sh', '-c', script])
    }
    await fake('/usr/bin/mariadb-dump "$@" | head -c 900; echo "mariadb-dump: Error 2013: out of luck" >&2; exit 3')
    const failed = await capture(server.bench)
    expect(failed).toMatchObject({ code: 'DUMP_FAILED', message: expect.stringContaining('out of luck') })
    await fake('/usr/bin/mariadb-dump "$@" | head -c 900')
    expect(await capture(server.bench)).toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining('no end'),
    })
    await fake('exit 0')
    expect(await capture(server.bench)).toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining('empty'),
    })
    await fake('exec /usr/bin/mariadb-dump --ignore-table=shop.orders "$@"')
    expect(await capture(server.bench)).toMatchObject({ message: expect.stringContaining('lacks table shop.orders') })
    await lab.podman(['exec', server.name, 'rm', '/tmp/first/mariadb-dump'])
    await server.sql('CREATE VIEW shop.seen AS SELECT * FROM shop.orders; RENAME TABLE shop.orders TO shop.moved')
    const invalid = await capture(server.bench)
    expect(invalid).toMatchObject({ code: 'DUMP_FAILED', hint: expect.stringContaining('view') })
    expect(invalid.message).toContain('shop.seen')
    await server.sql('DROP VIEW shop.seen; RENAME TABLE shop.moved TO shop.orders')
  })
})

describe('what cannot be restored', () => {
  let snapshot: StoredSnapshot

  test('an older server, another product, a missing engine, no administrator: nothing is touched', async () => {
    await server.sql(
      `CREATE USER reader@localhost IDENTIFIED BY '${rootPassword}'; GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON *.* TO reader@localhost`,
    )
    snapshot = await server.bench.capture()
    await server.sql('INSERT INTO shop.orders VALUES (2)')
    const { facts } = snapshot
    const restore = (change: object, one = server.bench) =>
      failure(one.restore({ ...snapshot, facts: { ...facts, ...change } }))
    const older = await restore({ server: '12.0.1-MariaDB' })
    expect(older).toMatchObject({ code: 'RESTORE_REFUSED', hint: expect.stringContaining('MariaDB 12.0') })
    expect(await restore({ product: 'mysql', server: '8.4.0' })).toMatchObject({ code: 'RESTORE_REFUSED' })
    expect(await restore({ engines: { RocksDB: 1 } })).toMatchObject({ message: expect.stringContaining('RocksDB') })
    const reader = bench(server, { user: 'reader', passwordEnv: 'MARIADB_ROOT_PASSWORD' })
    expect(await restore({}, reader)).toMatchObject({
      code: 'RESTORE_REFUSED',
      message: expect.stringContaining('administrator'),
    })
    expect(await server.sql('SELECT COUNT(*) FROM shop.orders')).toBe('2')
  })

  test('rows that did not come back are seen', async () => {
    const changed = { ...snapshot, facts: { ...snapshot.facts, 'rows of shop': { orders: 5 } } }
    const checks = await server.bench.restore(changed)
    expect(checks.filter(({ ok }) => !ok).map(({ name, actual }) => `${name}: ${actual}`)).toEqual([
      'shop: rows: 1 in 1 tables',
      'shop: rows of orders: 1',
    ])
  })

  test('a disk that fills up: an error, and the state before can be put back', async () => {
    const isOffTarget = (ctx: RestoreContext): RestoreContext => ({
      ...ctx,
      exec: async (command, options) => {
        const isLoad = command.includes('--loose-sandbox')
        if (isLoad)
          await lab.podman(['exec', server.name, 'sh', '-c', 'head -c 300M /dev/zero >/var/lib/mysql/rubbish || true'])
        try {
          return await ctx.exec(command, options)
        } finally {
          if (isLoad) await lab.podman(['exec', server.name, 'rm', '/var/lib/mysql/rubbish'])
        }
      },
    })
    const full = await failure(server.bench.restore(snapshot, isOffTarget))
    expect(full).toMatchObject({ code: 'RESTORE_FAILED' })
    expect(full.message).toMatch(/ERROR \d+ /)
    for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await server.sql('SELECT * FROM shop.orders')).toBe('1')
  })
})
