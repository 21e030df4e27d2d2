import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import * as mariadb from '../../../src/methods/mariadb/work.ts'
import type { RestoreContext, StoredSnapshot } from '../../../src/methods/method.ts'
import { failure, methodBench, plainSpec, startBenchLab } from '../../support/method-context.ts'
import { appSecret, rootPassword, startServer } from './server.ts'
import { content, fill } from './shop.ts'

const lab = await startBenchLab('mariadb', [appSecret])
afterAll(() => lab.stop())

const command = [
  'svc',
  'mariadb',
  '--event-scheduler=ON',
  '--innodb-log-file-size=16M',
  '--skip-name-resolve',
  '--log-bin',
]
// In memory: its many small files are not what is tested here.
const server = await startServer(lab, { name: 'round', command, volumes: [], args: ['--tmpfs', '/var/lib/mysql'] })

const leftovers = () =>
  server.sql(`SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'xnai%';
    SELECT @@GLOBAL.event_scheduler, @@GLOBAL.max_allowed_packet`)
const nothingLeft = '0\nON\t16777216'

describe('a round trip', () => {
  test('brings back tables of every kind, views, routines, events and accounts', async () => {
    await fill(server)
    await server.sql(`CREATE TABLE void.short (a INT); GRANT SELECT ON void.short TO app@'%'; DROP TABLE void.short;`)
    const before = await content(server)
    const snapshot = await server.bench.capture()
    expect(snapshot.facts['rows of shop']).toMatchObject({ orders: 301, 'lines `(` VALUES ü': 3, log: 2, bare: 0 })
    expect(snapshot.facts['rows of void']).toEqual({})
    expect(server.bench.warnings.join()).toContain('shop.aria (Aria), shop.log (MyISAM)')
    // Newer data, data that is gone, other rights, and somebody in a transaction that holds a table.
    await server.sql(`DROP DATABASE void; DELETE FROM shop.a_line; CREATE TABLE shop.newer (a INT);
    DROP VIEW shop.z_view;
      DROP USER app@'%'; REVOKE SELECT ON shop.* FROM readers; GRANT DELETE ON *.* TO \`both\`@localhost;
      INSERT INTO shop.log VALUES (9);`)
    const holder = server
      .sql('START TRANSACTION; DELETE FROM shop.parts; SELECT SLEEP(300)', ['shop'])
      .catch(() => 'ended')
    const isHeld = () =>
      server.sql(`SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%' AND DB = 'shop'`)
    await eventually(isHeld, 60, 'a transaction is open')
    for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await holder).toBe('ended')
    // What was dangling when it was backed up is named and not granted.
    expect(server.bench.warnings.join()).toContain("Table 'void.short' doesn't exist")
    const withoutDangling = before.map((part) => part.replace('GRANT SELECT ON `void`.`short` TO `app`@`%`\n', ''))
    expect(await content(server)).toEqual(withoutDangling)
    expect(await leftovers()).toBe(nothingLeft)
    const ticks = Number(await server.sql('SELECT COUNT(*) FROM shop.ticked'))
    const goesOn = async () => Number(await server.sql('SELECT COUNT(*) FROM shop.ticked')) > ticks
    await eventually(goesOn, 60, 'the event runs again')
    await server.sql('DROP DATABASE shop; DROP DATABASE void')
  })
})

describe('a restore', () => {
  let snapshot: StoredSnapshot

  afterEach(() => server.sql('DROP DATABASE IF EXISTS shop'))

  test('succeeds where the server shows a folder in the data directory as a database', async () => {
    const folders = ['@eaDir', 'lost+found'].map((name) => `/var/lib/mysql/${name}`)
    await server.exec(['install', '-d', '-o', 'mysql', ...folders])
    await server.sql(`CREATE DATABASE shop; CREATE TABLE shop.orders AS SELECT 1 AS id`)
    expect(await server.sql('SHOW DATABASES')).toContain('#mysql50#@eaDir')
    server.bench.warnings.length = 0
    snapshot = await server.bench.capture()
    expect(server.bench.warnings.join()).toContain('#mysql50#@eaDir, #mysql50#lost+found')
    expect(JSON.stringify(snapshot.facts)).not.toContain('#mysql50#')
    // As earlier versions captured it: with the folder among the databases.
    const earlier = { ...snapshot, facts: { ...snapshot.facts, 'database #mysql50#@eaDir': { bytes: 0 } } }
    for (const check of await server.untried.restore(earlier)) expect(check).toMatchObject({ ok: true })
    expect(await server.sql('SELECT id FROM shop.orders')).toBe('1')
    await server.exec(['test', '-d', ...folders.slice(0, 1)])
    await server.exec(['rmdir', ...folders])
  })

  test('loads a function that the server took while log_bin_trust_function_creators was on', async () => {
    await server.sql(`CREATE DATABASE shop; SET GLOBAL log_bin_trust_function_creators = 1;
      CREATE FUNCTION shop.f() RETURNS INT RETURN 4711; SET GLOBAL log_bin_trust_function_creators = 0`)
    snapshot = await server.bench.capture()
    for (const check of await server.untried.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await server.sql('SELECT shop.f(), @@GLOBAL.log_bin_trust_function_creators')).toBe('4711\t0')
    expect(await leftovers()).toBe(nothingLeft)
  })

  test('is refused before anything is dropped where the user may not change a setting that a load needs', async () => {
    await server.sql(`CREATE DATABASE shop; CREATE USER limited@localhost IDENTIFIED BY '${rootPassword}';
      GRANT ALL ON *.* TO limited@localhost; REVOKE BINLOG ADMIN ON *.* FROM limited@localhost`)
    snapshot = await server.bench.capture()
    const spec = plainSpec('mariadb', { user: 'limited', passwordEnv: 'MARIADB_ROOT_PASSWORD' })
    const limited = methodBench(lab, server.name, mariadb, spec)
    const refusal = await failure(limited.restore(snapshot))
    expect(refusal).toMatchObject({ code: 'RESTORE_REFUSED', message: expect.stringContaining('log_bin_trust') })
    expect(await server.sql(`SHOW DATABASES LIKE 'shop'`)).toBe('shop')
    await server.sql('DROP USER limited@localhost')
  })

  test('is complete and proven while a client that nothing stops writes all the time', async () => {
    await server.sql('CREATE DATABASE shop; CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, n INT)')
    await server.sql('USE shop; INSERT INTO orders (n) SELECT seq FROM seq_1_to_100')
    snapshot = await server.bench.capture()
    const write = `yes 'INSERT INTO shop.orders (n) VALUES (0);' | MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb --force`
    await server.exec(['sh', '-c', `(${write} >/dev/null 2>&1 & echo $! >/tmp/writer)`])
    const written = async () => Number(await server.sql('SELECT COUNT(*) FROM shop.orders WHERE n = 0'))
    await eventually(async () => (await written()) > 0, 60, 'the client writes')
    for (const check of await server.untried.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    await eventually(async () => (await written()) > 0, 60, 'the client goes on')
    await server.exec(['sh', '-c', 'kill "$(cat /tmp/writer)"'])
    expect(await server.sql('SELECT COUNT(*) FROM shop.orders WHERE n > 0')).toBe('100')
  })
})

describe('a user who is no administrator', () => {
  const spec = plainSpec('mariadb', { user: 'clerk', passwordEnv: 'MARIADB_ROOT_PASSWORD' })
  const limited = methodBench(lab, server.name, mariadb, spec)
  const numbers = () => server.sql('SELECT n FROM my_app.entry')

  beforeAll(() =>
    server.sql(`CREATE DATABASE my_app; CREATE TABLE my_app.entry AS SELECT 1 AS n; CREATE DATABASE other;
      CREATE USER clerk@'%' IDENTIFIED BY '${rootPassword}'; GRANT ALL ON \`my\\_app\`.* TO clerk@'%'`),
  )
  afterAll(() => server.sql(`DROP DATABASE IF EXISTS my_app; DROP DATABASE other; DROP USER clerk@'%'`))

  test('restores its own databases, also one that is gone, and is told at the backup what is left out', async () => {
    const snapshot = await limited.capture()
    expect(limited.warnings.join()).toContain('clerk is no administrator')
    await server.sql('INSERT INTO my_app.entry VALUES (2)')
    const accounts = await server.sql('SELECT User, Host, Password FROM mysql.user')
    for (const check of await limited.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(limited.warnings.join()).not.toContain('on trial')
    expect(await numbers()).toBe('1')
    await server.sql('DROP DATABASE my_app')
    for (const check of await limited.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await numbers()).toBe('1')
    expect(await server.sql('SELECT User, Host, Password FROM mysql.user')).toBe(accounts)
    expect(await server.sql('SHOW TABLES IN my_app')).toBe('entry')
  })

  test('leaves no incomplete database where its restore fails', async () => {
    const snapshot = await limited.capture()
    await server.sql('DROP DATABASE my_app')
    const cut = { ...snapshot, open: (name: string) => halfOf(snapshot, name, 'CREATE TABLE `entry`') }
    expect(await failure(limited.restore(cut))).toMatchObject({ code: 'RESTORE_FAILED' })
    expect(await server.sql(`SHOW DATABASES LIKE 'my%app'`)).toBe('')
    await limited.restore(snapshot)
  })

  test('is refused before anything is dropped where it may not make what is in them', async () => {
    await server.sql('CREATE DEFINER = root@localhost VIEW my_app.seen AS SELECT n FROM my_app.entry')
    const snapshot = await limited.capture()
    await server.sql('INSERT INTO my_app.entry VALUES (3)')
    const refused = await failure(limited.restore(snapshot))
    expect(refused).toMatchObject({ code: 'RESTORE_REFUSED', message: expect.stringContaining('1227') })
    const foreign = { ...snapshot, facts: { ...snapshot.facts, 'database other': { bytes: 0 } } }
    expect(await failure(limited.restore(foreign))).toMatchObject({ message: expect.stringContaining('lacks SELECT') })
    expect(await numbers()).toBe('1\n3')
  })
})

test('the history of tables with system versioning comes back', async () => {
  await server.sql(`CREATE DATABASE shop; CREATE TABLE shop.price (n INT) WITH SYSTEM VERSIONING;
    INSERT INTO shop.price VALUES (1); UPDATE shop.price SET n = 2; UPDATE shop.price SET n = 3`)
  const history = () => server.sql('SELECT n, ROW_START, ROW_END FROM shop.price FOR SYSTEM_TIME ALL ORDER BY n')
  const before = await history()
  const snapshot = await server.bench.capture()
  for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await history()).toBe(before)

  // The program dumps no history that is kept by transactions, and some versions of it none at all.
  await server.sql(`CREATE TABLE shop.exact (n INT, a BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,
      b BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (a, b)) WITH SYSTEM VERSIONING;
    INSERT INTO shop.exact (n) VALUES (1); UPDATE shop.exact SET n = 2`)
  server.bench.warnings.length = 0
  const present = await server.bench.capture()
  expect(server.bench.warnings.join()).toContain('without their history: shop.exact, shop.price')
  for (const check of await server.untried.restore(present)) expect(check).toMatchObject({ ok: true })
  expect(await server.sql('SELECT n FROM shop.price FOR SYSTEM_TIME ALL')).toBe('3')
  await server.sql('DROP DATABASE shop')
})

describe('a restore that is cut', () => {
  const fillWith = (value: string, databases = ['one', 'two']) =>
    server.sql(
      databases
        .map((name) => `CREATE OR REPLACE DATABASE ${name}; CREATE TABLE ${name}.state AS SELECT '${value}' AS value;`)
        .join('\n'),
    )
  const state = () => server.sql('SELECT value FROM one.state; SELECT value FROM two.state')
  let snapshot: StoredSnapshot
  let now: StoredSnapshot

  beforeAll(async () => {
    await fillWith('saved', ['one', 'two', 'three'])
    snapshot = await server.bench.capture()
    await server.sql('DROP DATABASE three')
    await fillWith('now')
    now = await server.bench.capture()
  })
  beforeEach(async () => {
    await server.sql('DROP DATABASE IF EXISTS three')
    await fillWith('now')
  })

  test.each(['DROP DATABASE IF EXISTS `one`', '--loose-sandbox', 'DELETE FROM'])(
    'at %s is undone by the snapshot of before, to the last database and setting',
    async (death) => {
      let isDead = false
      const disturb = (ctx: RestoreContext): RestoreContext => ({
        ...ctx,
        exec: async (command, options) => {
          isDead ||= `${command} ${typeof options?.input === 'string' ? options.input : ''}`.includes(death)
          if (!isDead) return ctx.exec(command, options)
          throw new Error('the controller is dead')
        },
      })
      await expect(server.untried.restore(snapshot, disturb)).rejects.toThrow('dead')
      for (const check of await server.untried.restore(now)) expect(check).toMatchObject({ ok: true })
      expect(await state()).toBe('now\nnow')
      expect(await server.sql(`SHOW DATABASES LIKE 'three'`)).toBe('')
      expect(await leftovers()).toBe(nothingLeft)
    },
  )

  test('in the middle of the load leaves no incomplete database, also where no controller comes back', async () => {
    let note: Record<string, string> = {}
    const disturb = (ctx: RestoreContext): RestoreContext => ({
      ...ctx,
      recordUndo: (detail) => {
        note = detail
        return { [Symbol.dispose]: () => {} }
      },
    })
    const cut = { ...snapshot, open: (name: string) => halfOf(snapshot, name) }
    await expect(server.untried.restore(cut, disturb)).rejects.toMatchObject({ code: 'RESTORE_FAILED' })
    expect(await server.sql(`SHOW DATABASES LIKE 'three'`)).toBe('')
    expect(await leftovers()).toBe(nothingLeft)
    // Undone already: once more does no harm.
    await mariadb.undo?.(await server.bench.context(), server.bench.spec, note)
    for (const check of await server.untried.restore(now)) expect(check).toMatchObject({ ok: true })
    expect(await state()).toBe('now\nnow')
  })

  test('only the databases that the labels name are put back', async () => {
    const spec = { ...server.bench.spec, options: { ...server.bench.spec.options, databases: ['two', 'three'] } }
    const ctx = await server.bench.context()
    for (const check of await mariadb.restore(ctx, spec, snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await state()).toBe('now\nsaved')
    expect(await server.sql('SELECT value FROM three.state')).toBe('saved')
  })
})

/** The dump up to a half, and something that no server accepts. */
async function halfOf(snapshot: StoredSnapshot, name: string, end = '`two`') {
  const bytes = await buffer(await snapshot.open(name))
  if (name !== 'databases.sql') return Readable.from([bytes])
  return Readable.from([bytes.subarray(0, bytes.indexOf(end)), Buffer.from('`;\nthis is no SQL;\n')])
}
