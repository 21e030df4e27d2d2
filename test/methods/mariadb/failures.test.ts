import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer } from '../../../lab/lab.ts'
import { program } from '../../../lab/program.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import * as mariadb from '../../../src/methods/mariadb/work.ts'
import type { RestoreContext, StoredSnapshot, UndoDetail } from '../../../src/methods/method.ts'
import { failure, type MethodBench, methodBench, plainSpec } from '../../support/method-context.ts'
import { backedUp, dependingOn, openStory, states } from '../../support/story.ts'
import { sharedFailures } from '../shared/failures.ts'
import { removeStandIn, standIn, standInPath } from '../shared/stand-in.ts'
import { idle } from '../shared/subject.ts'
import { rootPassword, startServer, subject } from './server.ts'

const story = await openStory('mariadb-failures')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const env = {
  MARIADB_ROOT_PASSWORD: rootPassword,
  WRONG_PASSWORD: newSecret('wrong'),
  UNREADABLE_FILE: '/nowhere',
  PATH: standInPath,
}
// So small that a few megabytes do not fit beside what the server needs itself.
const args = ['--tmpfs', '/var/lib/mysql:size=220M']
const command = ['svc', 'mariadb', '--innodb-log-file-size=8M', '--innodb-temp-data-file-path=ibtmp1:1M:autoextend']
const [server, killed] = await Promise.all([
  startServer(lab, { name: 'db', env, volumes: [], args, command }),
  startServer(lab, { name: 'killed', labels: backedUp('mariadb'), volumes: [], args: ['--tmpfs', '/var/lib/mysql'] }),
])

sharedFailures(story, subject)

const bench = ({ name }: Pick<LabContainer, 'name'>, options: Partial<MethodOptions['mariadb']> = {}) =>
  methodBench(lab, name, mariadb, plainSpec('mariadb', { user: 'root', ...options }))

const capture = (one: MethodBench<'mariadb'>) => failure(one.capture())

describe('a backup', () => {
  test('of a server without databases holds the accounts, and comes back', async () => {
    await server.sql('DROP DATABASE IF EXISTS shop')
    const snapshot = await server.bench.capture()
    expect(snapshot.artifacts.map(({ name }) => name)).toEqual(['accounts.sql'])
    for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  })

  test('fails with a wrong password, an unknown user, an unreadable file, and a lost database', async () => {
    const wrong = await capture(bench(server, { passwordEnv: 'WRONG_PASSWORD' }))
    expect(wrong).toMatchObject({ code: 'AUTH_FAILED', hint: expect.stringContaining('password-env') })
    expect(await capture(bench(server, { user: 'nobody' }))).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture(bench(server, { passwordEnv: 'UNREADABLE' }))).toMatchObject({ code: 'AUTH_FAILED' })
    const missing = await capture(bench(server, { databases: ['none'] }))
    expect(missing).toMatchObject({ code: 'TARGET_BROKEN', message: expect.stringContaining('none') })
  })

  test('fails of a server that is down, and in an image without the programs', async () => {
    const down = await lab.run({ name: 'down', command: ['sleep', 'infinity'] })
    expect(await capture(bench(down))).toMatchObject({ code: 'SERVICE_DOWN' })
    const bare = await lab.run({ name: 'bare', command: ['/usr/bin/sleep', 'infinity'], env: { PATH: '/nowhere' } })
    expect(await capture(bench(bare))).toMatchObject({ code: 'TOOL_MISSING' })
  })

  test('fails when the dump fails, is cut, says nothing, leaves out a table, or meets an invalid view', async () => {
    await server.sql(
      'CREATE OR REPLACE DATABASE shop; CREATE TABLE shop.orders (id INT); INSERT INTO shop.orders VALUES (1)',
    )
    const fake = (body: string) => standIn(lab, server.name, 'mariadb-dump', body)
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
    await removeStandIn(lab, server.name, 'mariadb-dump')
    await server.sql('CREATE VIEW shop.seen AS SELECT * FROM shop.orders; RENAME TABLE shop.orders TO shop.moved')
    const invalid = await capture(server.bench)
    expect(invalid).toMatchObject({ code: 'DUMP_FAILED', hint: expect.stringContaining('view') })
    expect(invalid.message).toContain('shop.seen')
    await server.sql('DROP VIEW shop.seen; RENAME TABLE shop.moved TO shop.orders')
  })
})

describe('a restore', () => {
  let snapshot: StoredSnapshot

  beforeAll(async () => {
    await server.sql(`CREATE USER reader@localhost IDENTIFIED BY '${rootPassword}';
      GRANT SELECT, SHOW VIEW, EVENT, TRIGGER ON *.* TO reader@localhost;
      CREATE OR REPLACE DATABASE shop; CREATE TABLE shop.orders (id INT); INSERT INTO shop.orders VALUES (1)`)
    snapshot = await server.bench.capture()
  })

  test('into an older server or another product, without an engine or an administrator, changes nothing', async () => {
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

  test('that is rolled back leaves no database that it has made', async () => {
    await server.sql('DROP DATABASE shop; CREATE DATABASE newer')
    const safety = await server.bench.capture()
    let noted: UndoDetail = {}
    const noteForRollBack = (detail: UndoDetail) => {
      noted = detail
    }
    await server.bench.restore(snapshot, (ctx) => ({ ...ctx, noteForRollBack }))
    const names = `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('shop', 'newer') ORDER BY 1`
    expect(await server.sql(names)).toBe('newer\nshop')
    await server.bench.restore(safety, (ctx) => ({ ...ctx, rollsBack: noted }))
    expect(await server.sql(names)).toBe('newer')
    await server.sql('DROP DATABASE newer')
    await server.bench.restore(snapshot)
  })

  /** The snapshot with another text in one of its artifacts. */
  const altered = (artifact: string, from: RegExp, to: string): StoredSnapshot => ({
    ...snapshot,
    open: async (name) => {
      const whole = await text(await snapshot.open(name))
      return Readable.from([Buffer.from(name === artifact ? whole.replace(from, to) : whole)])
    },
  })
  const state = () =>
    server.sql(`SELECT * FROM shop.orders; SELECT User, Host, Password FROM mysql.user; SHOW DATABASES;
      SELECT @@GLOBAL.max_allowed_packet`)
  const ours = () =>
    server.exec(['sh', '-c', 'ls -d /var/tmp/xnai* /tmp/xnai* 2>/dev/null; pgrep -fa "[x]nai_restore" || true'])

  test.each([
    ['an unknown collation', 'databases.sql', / COLLATE=\w+/, ' COLLATE=utf8mb4_nowhere_ci', 'nowhere'],
    [
      'an account of a missing plugin',
      'accounts.sql',
      /(reader.*) IDENTIFIED BY.*;/,
      '$1 IDENTIFIED VIA gone;',
      'gone',
    ],
  ])('of a dump with %s is refused while everything is as it was', async (_name, artifact, from, to, said) => {
    await server.sql('INSERT INTO shop.orders VALUES (3)')
    const before = await state()
    const refused = await failure(server.bench.restore(altered(artifact, from, to)))
    expect(refused).toMatchObject({ code: 'RESTORE_REFUSED', message: expect.stringContaining(said) })
    expect(await state()).toBe(before)
    expect(await ours()).toBe('')
  })

  test('that was killed while it tried the load leaves a second server, and the next pass removes it', async () => {
    const notes: Record<string, string>[] = []
    const ctx: RestoreContext = {
      ...(await server.bench.context()),
      recordUndo: (detail) => ({ [Symbol.dispose]: () => {}, detail: notes.push(detail) }),
    }
    // The dump goes no further, as if the controller had been killed in the middle of it.
    const dump = new PassThrough()
    const cut = { ...snapshot, open: async (name: string) => (name === 'accounts.sql' ? snapshot.open(name) : dump) }
    const trial = mariadb.preflight?.(ctx, server.bench.spec, cut).then(
      () => 'tried',
      () => 'tried',
    )
    await eventually(
      async () => (await ours()).includes('--datadir=/var/tmp/xnai_restore_'),
      60,
      'a second server is there',
    )
    await mariadb.undo?.(await server.bench.context(), server.bench.spec, notes[0] ?? {})
    expect(await ours()).toBe('')
    dump.end()
    expect(await trial).toBe('tried')
    expect(await server.sql('SELECT 1')).toBe('1')
  })

  test('names the tables whose rows did not come back', async () => {
    const changed = { ...snapshot, facts: { ...snapshot.facts, 'rows of shop': { orders: 5 } } }
    const checks = await server.untried.restore(changed)
    expect(checks.filter(({ ok }) => !ok).map(({ name, actual }) => `${name}: ${actual}`)).toEqual([
      'shop: rows: 1 in 1 tables',
      'shop: rows of orders: 1',
    ])
  })

  test('onto a disk that fills up in the middle fails, and the next one brings the state before back', async () => {
    const isOffTarget = (ctx: RestoreContext): RestoreContext => ({
      ...ctx,
      exec: async (command, options) => {
        const isLoad = command.includes('--loose-sandbox')
        if (isLoad) await server.exec(['sh', '-c', 'head -c 300M /dev/zero >/var/lib/mysql/rubbish || true'])
        try {
          return await ctx.exec(command, options)
        } finally {
          if (isLoad) await server.exec(['rm', '/var/lib/mysql/rubbish'])
        }
      },
    })
    const full = await failure(server.untried.restore(snapshot, isOffTarget))
    expect(full).toMatchObject({ code: 'RESTORE_FAILED' })
    expect(full.message).toMatch(/ERROR \d+ /)
    for (const check of await server.untried.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await server.sql('SELECT * FROM shop.orders')).toBe('1')
  })
})

/** Waits for a lock that a client of the test holds. */
const dropping = `FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DROP DATABASE%' AND STATE LIKE 'Waiting%'`

test('a SIGKILL in the middle of a restore: the next command brings the state before back', async () => {
  const { sql } = killed
  await lab.run({ name: 'web', command: idle, labels: dependingOn('killed') })
  await sql(`CREATE DATABASE shop; CREATE DATABASE crm; USE shop; CREATE TABLE shop.a_count (n INT);
    CREATE TABLE shop.padding AS SELECT seq FROM seq_1_to_1000; INSERT INTO shop.a_count VALUES (1)`)
  await story.backUp('killed')
  await sql(`UPDATE shop.a_count SET n = 4711; CREATE TABLE crm.newer (a INT)`)
  const holder = sql('START TRANSACTION; SELECT seq FROM shop.padding LIMIT 1; SELECT SLEEP(600)').catch(() => {})
  const isHeld = () => sql(`SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'`)
  await eventually(isHeld, 60, 'a transaction holds a table')
  const options = { env: { ...process.env, ...story.product.env }, stdio: 'ignore' as const }
  const product = spawn(process.execPath, [program, 'restore', 'killed', '--yes'], options)
  const ended = once(product, 'close')
  await eventually(() => sql(`SELECT 1 ${dropping}`), 120, 'the restore drops a database')
  product.kill('SIGKILL')
  await ended
  // Its client in the container lives on, and goes on dropping.
  expect(await sql(`SELECT COUNT(*) ${dropping}`)).toBe('1')
  await sql(`SELECT ID INTO @id FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'; KILL @id`)
  await holder
  await story.call(['list', 'killed'])
  expect(await sql('SELECT n FROM shop.a_count')).toBe('4711')
  expect(await sql('SELECT COUNT(*) FROM crm.newer')).toBe('0')
  expect(await sql('SELECT COUNT(*) FROM shop.padding')).toBe('1000')
  expect(await sql(`SHOW DATABASES LIKE 'xnai%'`)).toBe('')
  expect(await sql('SELECT @@GLOBAL.max_allowed_packet')).toBe('16777216')
  expect(await states(lab)).toMatchObject({ web: 'running', killed: 'running' })
})
