import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import { backedUp, dependingOn, openStory, startTimes, states } from '../../support/story.ts'
import { answers, password, rolePassword, type Server, startPostgres } from './server.ts'

const story = await openStory('postgres-story', [rolePassword])
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const service = {
  name: 'db',
  env: { POSTGRES_USER: 'shop', POSTGRES_PASSWORD: password },
  labels: backedUp('postgres', { 'postgres.password-env': 'POSTGRES_PASSWORD' }),
}

/** Writes into two tables, in one transaction each time, until `enough` is there. */
const writer = `while [ ! -e /tmp/enough ]; do
  sleep 0.01; n=$((n+1)); printf 'BEGIN; INSERT INTO first VALUES (%s); INSERT INTO second VALUES (%s); COMMIT;\\n' $n $n
done | psql -X -q -U shop -d shop >/dev/null; touch /tmp/ended`

/** Two databases, one of a quarter of a gigabyte, with a role, grants and a large object. */
const fill = async ({ sql, exec }: Server) => {
  await sql(
    'shop',
    `CREATE ROLE clerk LOGIN PASSWORD '${rolePassword}'; CREATE ROLE readers; GRANT readers TO clerk;
    CREATE TABLE first (n int); CREATE TABLE second (n int);
    CREATE TABLE orders AS SELECT n, repeat('ü', n % 50) AS text FROM generate_series(1, 20000) n;
    ALTER TABLE orders OWNER TO clerk; GRANT SELECT ON orders TO readers WITH GRANT OPTION;
    SELECT lo_from_bytea(4711, decode(repeat('00ff10', 100000), 'hex'));`,
  )
  await sql('shop', 'CREATE DATABASE bench OWNER clerk;')
  // About 16 MB a unit.
  const make = ['pgbench', '-q', '-i', '-I', 'dtgp', '-s', '15', '-U', 'shop', 'bench']
  await exec(make, { timeoutSeconds: 300 })
  await sql('bench', 'UPDATE pgbench_accounts SET abalance = aid % 7919 WHERE aid % 50 = 0')
}

/** All that a restore must bring back, as text; what is written all the while aside. */
const content = async ({ sql }: Server) => [
  await sql(
    'shop',
    `SELECT count(*), md5(string_agg(o::text, ';' ORDER BY n)) FROM orders o; SELECT md5(lo_get(4711));
    SELECT relname, pg_get_userbyid(relowner), relacl FROM pg_class
      WHERE relnamespace = 'public'::regnamespace ORDER BY 1;
    SELECT datname, pg_get_userbyid(datdba) FROM pg_database ORDER BY 1;
    SELECT rolname, rolcanlogin, rolpassword FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1;
    SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE member = 'clerk'::regrole;`,
  ),
  await sql(
    'bench',
    `SELECT count(*), sum(aid), sum(bid), sum(abalance), sum(hashint4(aid # abalance)) FROM pgbench_accounts;
    SELECT count(*) FROM pgbench_branches; SELECT pg_database_size('bench') > 2e8;`,
  ),
]

const withoutOwnPassword = (text: string) => text.replace(/^shop\|t\|.*$/m, 'shop')

const destroy = async ({ sql }: Server) => {
  await sql('shop', 'DROP TABLE orders CASCADE; CREATE TABLE newer (a int); SELECT lo_unlink(4711); TRUNCATE first')
  await sql('shop', 'DROP DATABASE bench WITH (FORCE)')
  await sql('shop', 'ALTER ROLE clerk PASSWORD NULL; REVOKE readers FROM clerk;')
}

/** Transactions of the writer. */
const count = async ({ sql }: Server) => {
  const counts = await sql('shop', 'SELECT (SELECT count(*) FROM first), (SELECT count(*) FROM second)')
  const [first = 0, second] = counts.split('|').map(Number)
  expect(first, 'both tables are of one instant').toBe(second)
  return first
}

const started = async ({ name }: { name: string }) => (await lab.inspect(name)).State.StartedAt

test('PostgreSQL, backed up under a writer, destroyed and restored, has the state of one instant', async () => {
  let db = await startPostgres(lab, service)
  const web = await lab.run({
    name: 'web',
    command: ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait'],
    labels: dependingOn('db'),
  })
  await fill(db)
  await db.exec(['sh', '-c', writer], { detach: true })
  await eventually(async () => (await count(db)) > 100, 60, 'the writer writes')
  const first = await count(db)
  const untouched = await startTimes(lab)
  const { json } = await story.call(['backup', 'db'])
  const last = await count(db)
  expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
  expect(json.targets[0].bytes).toBeGreaterThan(1e8)
  expect(await startTimes(lab), 'a dump stops nothing').toBe(untouched)
  const id = json.targets[0].snapshot
  await db.exec(['sh', '-c', 'touch /tmp/enough; while [ ! -e /tmp/ended ]; do sleep 0.05; done'])
  const before = await content(db)

  await destroy(db)
  const dry = await story.call(['restore', 'db', '--dry-run'])
  expect(dry.json).toMatchObject({ stops: [web.name], starts: [web.name] })
  const upSince = { db: await started(db), web: await started(web) }
  const restored = story.restore('db', '--at', id)
  const isFilled = () => db.sql('shop', `SELECT datname FROM pg_database WHERE datname LIKE 'xnai_restore%'`)
  await eventually(isFilled, 120, 'the restore has begun')
  expect((await lab.inspect(web.name)).State.Status, 'the client is down meanwhile').toBe('exited')
  const { checks } = await restored
  expect(checks.length).toBeGreaterThan(3)
  expect(await content(db)).toEqual(before)
  expect(await count(db)).toBeGreaterThanOrEqual(first)
  expect(await count(db)).toBeLessThanOrEqual(last)
  expect(await states(lab)).toMatchObject({ web: 'running', db: 'running' })
  expect(await started(db), 'the server ran all the while').toBe(upSince.db)
  expect(await started(web)).not.toBe(upSince.web)
  const login = `PGPASSWORD=$ROLE psql -X -A -t -h db -U clerk -d bench -c 'SELECT current_user'`
  // A name is not resolved for a moment while another network of the machine changes.
  const logIn = () => db.exec(['sh', '-c', login], { env: { ROLE: rolePassword } })
  expect(await eventually(logIn, 60, 'the role logs in')).toBe('clerk\n')

  // As on a bare host: container and volume are new, and nothing ever ran in them.
  await lab.podman(['rm', '--force', '--time', '10', db.name])
  await lab.podman(['volume', 'rm', `${lab.project}-db`])
  db = await startPostgres(lab, { ...service, create: true })
  await story.restore('db', '--at', id)
  expect((await states(lab)).db, 'it was down, and is again').not.toBe('running')
  await lab.podman(['start', db.name])
  await answers(db)
  // Its administrator keeps the password that the new container gave.
  expect((await content(db)).map(withoutOwnPassword)).toEqual(before.map(withoutOwnPassword))
})
