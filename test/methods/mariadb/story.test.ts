import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, dependingOn, openStory, type Story, startTimes, states } from '../../support/story.ts'
import { answers, rootPassword, type Server, startServer } from './server.ts'

const clerkPassword = newSecret('clerk')
const main = join(import.meta.dirname, '../../../src/main.ts')
let story: Story
let db: Server

beforeAll(async () => {
  story = await openStory('mariadb-story', [rootPassword, clerkPassword])
  db = await startServer(story.lab, { name: 'db', labels: backedUp('mariadb') })
  await db.sql(`CREATE DATABASE shop; CREATE DATABASE crm; USE shop; CREATE TABLE shop.a_count (n INT); INSERT INTO shop.a_count VALUES (0);
    CREATE TABLE shop.padding AS SELECT seq, REPEAT(MD5(seq), 20) AS text FROM seq_1_to_30000;
    CREATE TABLE crm.z_count (n INT); INSERT INTO crm.z_count VALUES (0); CREATE TABLE crm.log (n INT) ENGINE = MyISAM; INSERT INTO crm.log VALUES (0);
    CREATE USER clerk@'%' IDENTIFIED BY '${clerkPassword}'; GRANT SELECT ON crm.* TO clerk@'%';`)
})
afterAll(() => story?.[Symbol.asyncDispose]())
afterEach(() => story.expectNoSecret())

const counts = () => db.sql('SELECT n FROM shop.a_count; SELECT n FROM crm.z_count').then((lines) => lines.split('\n'))
const logged = () => db.sql('SELECT n FROM crm.log')
const padding = () => db.sql('SELECT COUNT(*), MD5(GROUP_CONCAT(MD5(text) ORDER BY seq)) FROM shop.padding')

describe('mariadb: written, backed up, destroyed, restored, the same', () => {
  test('one instant of two databases, under a writer', async () => {
    const { lab } = story
    const web = await lab.run({ name: 'web', command: ['sleep', '600'], labels: dependingOn('db') })
    const before = await padding()
    // Its own database, so that the sessions of shop and crm are not its.
    await db.sql(`CREATE DATABASE writer;
      DELIMITER //
      CREATE PROCEDURE writer.write() WHILE (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'enough') = 0 DO
        START TRANSACTION; UPDATE shop.a_count SET n = n + 1; UPDATE crm.z_count SET n = n + 1; COMMIT;
      END WHILE //
      CREATE PROCEDURE writer.log() WHILE (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'enough') = 0 DO
        SELECT n INTO @seen FROM shop.a_count; UPDATE crm.log SET n = @seen;
      END WHILE //`)
    const writers = [db.sql('CALL writer.write()'), db.sql('CALL writer.log()')]
    await eventually(async () => Number(await logged()) > 10, 60, 'the writers write')
    const untouched = await startTimes(lab)
    const { json } = await story.call(['backup', 'db'])
    const [, after] = await counts()
    await db.sql('CREATE TABLE writer.enough (a INT)')
    await Promise.all(writers)
    expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
    expect(json.targets[0].warnings.join()).toContain('crm.log (MyISAM)')
    expect(await startTimes(lab), 'a dump stops nothing').toBe(untouched)

    await db.sql(
      `DROP DATABASE writer; DROP TABLE shop.padding; UPDATE crm.z_count SET n = -1; DROP USER clerk@'%'; CREATE TABLE crm.newer (a INT)`,
    )
    const { checks } = await story.restore('db')
    expect(checks.length).toBeGreaterThan(3)
    const [shop, crm] = await counts()
    expect(shop, 'the same instant in both').toBe(crm)
    expect(Number(shop)).toBeLessThan(Number(after))
    // Without transactions, and held for that instant: what was logged had been counted by then.
    expect(Number(await logged())).toBeGreaterThan(10)
    expect(Number(await logged())).toBeLessThanOrEqual(Number(shop))
    expect(await padding()).toBe(before)
    expect(await states(lab)).toMatchObject({ web: 'running', db: 'running' })
    expect((await startTimes(lab)).includes(`${web.name} running`)).toBe(true)
    const login = `MYSQL_PWD=$CLERK mariadb -N -B -h db -u clerk crm -e 'SHOW TABLES'`
    const call = ['exec', '--env', `CLERK=${clerkPassword}`, db.name, 'sh', '-c', login]
    expect(await lab.podman(call)).toBe('log\nz_count\n')
    await db.sql('DROP DATABASE writer')
  })

  test('killed in mid restore: the state before, by the next command', async () => {
    await story.backUp('db')
    await db.sql(`UPDATE shop.a_count SET n = 4711; CREATE TABLE crm.newer (a INT)`)
    const holder = db.sql('START TRANSACTION; SELECT seq FROM shop.padding LIMIT 1; SELECT SLEEP(600)').catch(() => {})
    const isHeld = () => db.sql(`SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'`)
    await eventually(isHeld, 60, 'a transaction holds a table')
    const args = [main, 'restore', 'db', '--yes']
    const product = spawn(process.execPath, args, { env: { ...process.env, ...story.product.env }, stdio: 'ignore' })
    const ended = once(product, 'close')
    const dropping = `FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DROP DATABASE%' AND STATE LIKE 'Waiting%'`
    await eventually(() => db.sql(`SELECT 1 ${dropping}`), 120, 'the restore drops a database')
    product.kill('SIGKILL')
    await ended
    // Its client in the container lives on, and goes on dropping.
    expect(await db.sql(`SELECT COUNT(*) ${dropping}`)).toBe('1')
    await db.sql(`SELECT ID INTO @id FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'; KILL @id`)
    await holder
    await story.call(['list', 'db'])
    expect((await counts())[0]).toBe('4711')
    expect(await db.sql('SELECT COUNT(*) FROM crm.newer')).toBe('0')
    expect((await padding()).split('\t')[0]).toBe('30000')
    expect(await db.sql(`SHOW DATABASES LIKE 'xnai%'`)).toBe('')
    expect(await db.sql('SELECT @@GLOBAL.max_allowed_packet')).toBe('16777216')
    expect(await states(story.lab)).toMatchObject({ web: 'running', db: 'running' })
  })

  test('into a server that was never started, which stays down', async () => {
    const { lab } = story
    const before = await padding()
    await lab.podman(['rm', '--force', '--time', '10', db.name])
    await lab.podman(['volume', 'rm', `${lab.project}-db`])
    db = await startServer(lab, { name: 'db', labels: backedUp('mariadb'), create: true })
    await story.restore('db')
    expect((await states(lab)).db).not.toBe('running')
    await lab.podman(['start', db.name])
    await answers(db)
    expect(await padding()).toBe(before)
  })

  test('a dump whose program fails after half of it leaves no snapshot', async () => {
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const env = { MARIADB_ROOT_PASSWORD: rootPassword, PATH: `/first:${path}` }
    const half = await startServer(story.lab, { name: 'half', labels: backedUp('mariadb'), env })
    await half.sql('CREATE DATABASE shop; USE shop; CREATE TABLE shop.much AS SELECT seq, MD5(seq) FROM seq_1_to_50000')
    const fake = `mkdir /first; printf '#!/bin/sh\\n/usr/bin/mariadb-dump "$@" | head -c 500000; echo "mariadb-dump: out of luck" >&2; exit 1\\n' >/first/mariadb-dump; chmod 755 /first/mariadb-dump`
    await half.exec(['sh', '-c', fake])
    const { exitCode, json } = await story.call(['backup', 'half'])
    expect(exitCode).toBe(1)
    expect(json.targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'DUMP_FAILED' } })
    expect(json.targets[0].error.message).toContain('out of luck')
    expect((await story.call(['list', 'half'])).json).toEqual({ snapshots: [] })
    const incoming = join(story.product.repository, '.incoming')
    expect(existsSync(incoming) ? readdirSync(incoming) : []).toEqual([])
  })
})
