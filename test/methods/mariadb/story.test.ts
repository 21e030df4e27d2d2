import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, dependingOn, openStory, startTimes, states } from '../../support/story.ts'
import { idle } from '../shared/subject.ts'
import { answers, rootPassword, type Server, startServer } from './server.ts'

const clerkPassword = newSecret('clerk')
const story = await openStory('mariadb-story', [rootPassword, clerkPassword])
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const service = { name: 'db', labels: backedUp('mariadb') }

const fill = ({ sql }: Server) =>
  sql(`CREATE DATABASE shop; CREATE DATABASE crm; USE shop;
    CREATE TABLE shop.a_count (n INT); INSERT INTO shop.a_count VALUES (0);
    CREATE TABLE shop.padding AS SELECT seq, REPEAT(MD5(seq), 20) AS text FROM seq_1_to_30000;
    CREATE TABLE crm.z_count (n INT); INSERT INTO crm.z_count VALUES (0);
    CREATE TABLE crm.log (n INT) ENGINE = MyISAM; INSERT INTO crm.log VALUES (0);
    CREATE USER clerk@'%' IDENTIFIED BY '${clerkPassword}'; GRANT SELECT ON crm.* TO clerk@'%';`)

const counts = ({ sql }: Server) =>
  sql('SELECT n FROM shop.a_count; SELECT n FROM crm.z_count').then((lines) => lines.split('\n'))
const logged = async ({ sql }: Server) => Number(await sql('SELECT n FROM crm.log'))
const padding = ({ sql }: Server) => sql('SELECT COUNT(*), MD5(GROUP_CONCAT(MD5(text) ORDER BY seq)) FROM shop.padding')

/**
 * Counts in both databases in one transaction, and logs the count without any; from a database of its own, until it is
 * ended.
 */
async function startWriters({ sql }: Server): Promise<{ end(): Promise<void> }> {
  const isToGoOn = `(SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'enough') = 0`
  await sql(`CREATE DATABASE writer;
    DELIMITER //
    CREATE PROCEDURE writer.write() WHILE ${isToGoOn} DO
      START TRANSACTION; UPDATE shop.a_count SET n = n + 1; UPDATE crm.z_count SET n = n + 1; COMMIT; DO SLEEP(0.003);
    END WHILE //
    CREATE PROCEDURE writer.log() WHILE ${isToGoOn} DO
      SELECT n INTO @seen FROM shop.a_count; UPDATE crm.log SET n = @seen; DO SLEEP(0.002);
    END WHILE //`)
  const writers = Promise.all([sql('CALL writer.write()'), sql('CALL writer.log()')])
  return {
    end: async () => {
      await sql('CREATE TABLE writer.enough (a INT)')
      await writers
      await sql('DROP DATABASE writer')
    },
  }
}

test('MariaDB, backed up under writers and restored, has two databases of one and the same instant', async () => {
  let db = await startServer(lab, service)
  const web = await lab.run({ name: 'web', command: idle, labels: dependingOn('db') })
  await fill(db)
  const before = await padding(db)
  const writers = await startWriters(db)
  await eventually(async () => (await logged(db)) > 10, 60, 'the writers write')
  const untouched = await startTimes(lab)
  const { json } = await story.call(['backup', 'db'])
  const [, after] = await counts(db)
  await writers.end()
  expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
  expect(json.targets[0].warnings.join()).toContain('crm.log (MyISAM)')
  expect(await startTimes(lab), 'a dump stops nothing').toBe(untouched)

  await db.sql(`DROP TABLE shop.padding; UPDATE crm.z_count SET n = -1; DROP USER clerk@'%';
    CREATE TABLE crm.newer (a INT)`)
  const { checks } = await story.restore('db')
  expect(checks.length).toBeGreaterThan(3)
  const [shop, crm] = await counts(db)
  expect(shop, 'the same instant in both').toBe(crm)
  expect(Number(shop)).toBeLessThan(Number(after))
  // Without transactions, and held for that instant: what was logged had been counted by then.
  expect(await logged(db)).toBeGreaterThan(10)
  expect(await logged(db)).toBeLessThanOrEqual(Number(shop))
  expect(await padding(db)).toBe(before)
  expect(await states(lab)).toMatchObject({ web: 'running', db: 'running' })
  expect((await startTimes(lab)).includes(`${web.name} running`)).toBe(true)
  const login = `MYSQL_PWD=$CLERK mariadb -N -B -h db -u clerk crm -e 'SHOW TABLES'`
  // A name is not resolved for a moment while another network of the machine changes.
  const logIn = () => db.exec(['sh', '-c', login], { env: { CLERK: clerkPassword } })
  expect(await eventually(logIn, 60, 'the account logs in')).toBe('log\nz_count\n')

  // As on a bare host: container and volume are new, and nothing ever ran in them.
  await lab.podman(['rm', '--force', '--time', '10', db.name])
  await lab.podman(['volume', 'rm', `${lab.project}-db`])
  db = await startServer(lab, { ...service, create: true })
  await story.restore('db')
  expect((await states(lab)).db, 'it was down, and is again').not.toBe('running')
  await lab.podman(['start', db.name])
  await answers(db)
  expect(await padding(db)).toBe(before)
})
