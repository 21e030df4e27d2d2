import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import { backedUp, dependingOn, openStory, type Story, startTimes, states } from '../../support/story.ts'

const password = newSecret('postgres')
const rolePassword = newSecret('role')
let story: Story

beforeAll(async () => {
  story = await openStory('postgres-story', [rolePassword])
})
afterAll(() => story?.[Symbol.asyncDispose]())

interface Server extends LabContainer {
  /** Output of a psql script; the first error rejects. */
  sql(database: string, script: string): Promise<string>
}

async function start(name: string, service: Partial<LabService> = {}): Promise<Server> {
  const { lab } = story
  const container = await lab.run({
    name,
    command: ['svc', 'postgres', '-c', 'fsync=off', '-c', 'max_wal_size=4GB'],
    env: { POSTGRES_USER: 'shop', POSTGRES_PASSWORD: password },
    volumes: [`${lab.project}-${name}:/var/lib/postgresql`],
    labels: backedUp('postgres', { 'postgres.password-env': 'POSTGRES_PASSWORD' }),
    ...service,
  })
  const psql = `printf '%s\\n' "$SQL" | psql -X -q -A -t -v ON_ERROR_STOP=1 -U shop -d "$1" -f -`
  const sql: Server['sql'] = async (database, script) => {
    const call = ['exec', '--env', `SQL=${script}`, container.name, 'sh', '-c', psql, 'sh', database]
    return (await lab.podman(call, { timeoutSeconds: 300 })).trim()
  }
  const server = { ...container, sql }
  if (!service.create) await answers(server)
  return server
}

const answers = ({ name, sql }: Server) => eventually(() => sql('shop', 'SELECT 1'), 60, `${name} answers`)

const fill = async ({ sql, exec }: Server) => {
  await sql(
    'shop',
    `CREATE ROLE clerk LOGIN PASSWORD '${rolePassword}' CONNECTION LIMIT 7; CREATE ROLE readers; GRANT readers TO clerk;`,
  )
  await sql('shop', 'CREATE DATABASE bench OWNER clerk;')
  await sql(
    'shop',
    `CREATE EXTENSION IF NOT EXISTS pgcrypto;
    CREATE TABLE orders (id serial PRIMARY KEY, body jsonb NOT NULL, at timestamptz DEFAULT '2026-01-01');
    INSERT INTO orders (body) SELECT jsonb_build_object('n', n, 'text', repeat('ü', n % 50)) FROM generate_series(1, 20000) n;
    ALTER TABLE orders OWNER TO clerk; GRANT SELECT ON orders TO readers WITH GRANT OPTION;
    CREATE VIEW recent AS SELECT * FROM orders WHERE id > 19990;
    SELECT lo_from_bytea(4711, decode(repeat('00ff10', 100000), 'hex')); GRANT SELECT ON LARGE OBJECT 4711 TO readers;
    ALTER DATABASE shop SET statement_timeout TO '10min'; ALTER DATABASE bench SET timezone TO 'Asia/Tokyo';
    ALTER ROLE clerk IN DATABASE bench SET work_mem TO '9MB'; COMMENT ON DATABASE bench IS 'a gigabyte';
    REVOKE ALL ON DATABASE bench FROM PUBLIC; GRANT CONNECT ON DATABASE bench TO readers;`,
  )
  // About 16 MB a unit.
  await exec(['pgbench', '-q', '-i', '-I', 'dtgp', '-s', '65', '-U', 'shop', 'bench'], { timeoutSeconds: 300 })
  await sql(
    'bench',
    'UPDATE pgbench_accounts SET abalance = aid % 7919 WHERE aid % 50 = 0; ALTER TABLE pgbench_tellers OWNER TO clerk',
  )
}

/** All that a restore must bring back, as text. */
const content = async ({ sql }: Server) => [
  await sql(
    'shop',
    `SELECT count(*), md5(string_agg(o::text, ';' ORDER BY id)) FROM orders o; SELECT nextval('orders_id_seq') > 20000; SELECT count(*) FROM recent;
    SELECT md5(lo_get(4711)), lomacl FROM pg_largeobject_metadata; SELECT extname FROM pg_extension ORDER BY 1;
    SELECT relname, pg_get_userbyid(relowner), relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1;`,
  ),
  await sql(
    'bench',
    `SELECT count(*), sum(aid), sum(bid), sum(abalance), sum(hashint4(aid # abalance)) FROM pgbench_accounts;
    SELECT count(*) FROM pgbench_branches; SELECT count(*), sum(tbalance) FROM pgbench_tellers; SHOW timezone; SELECT pg_database_size('bench') > 9e8;
    SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1;`,
  ),
  await sql(
    'shop',
    `SELECT datname, pg_get_userbyid(datdba), datacl, datconnlimit, datcollate, shobj_description(oid, 'pg_database') FROM pg_database ORDER BY 1;
    SELECT d.datname, s.setrole::regrole, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 1, 2;
    SELECT rolname, rolcanlogin, rolconnlimit, rolpassword FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1;
    SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE member = 'clerk'::regrole;`,
  ),
]

const destroy = async ({ sql }: Server) => {
  await sql(
    'shop',
    `DROP TABLE orders CASCADE; CREATE TABLE newer (a int); SELECT lo_unlink(4711); DROP EXTENSION pgcrypto;`,
  )
  await sql('shop', 'DROP DATABASE bench WITH (FORCE)')
  await sql(
    'shop',
    `ALTER DATABASE shop RESET ALL; ALTER ROLE clerk PASSWORD NULL CONNECTION LIMIT 1; REVOKE readers FROM clerk;`,
  )
}

describe('postgres: written, backed up, destroyed, restored, the same', () => {
  test('two databases, one of a gigabyte, with roles, grants and a large object, under a client', async () => {
    const { lab } = story
    const db = await start('db')
    const ask = `while :; do PGPASSWORD="$POSTGRES_PASSWORD" psql -X -q -h db -U shop -d bench -c 'SELECT pg_sleep(1)' >/dev/null 2>&1; sleep 0.2; done & wait`
    const web = await lab.run({
      name: 'web',
      command: ['sh', '-c', `trap 'exit 0' TERM; ${ask}`],
      env: { POSTGRES_PASSWORD: password },
      labels: dependingOn('db'),
    })
    await fill(db)
    const before = await content(db)
    const untouched = await startTimes(lab)
    const { json } = await story.call(['backup', 'db'])
    expect(json.targets[0]).toMatchObject({ outcome: 'complete', stopped: [], downtimeSeconds: 0 })
    expect(json.targets[0].bytes).toBeGreaterThan(5e8)
    expect(await startTimes(lab), 'a dump stops nothing').toBe(untouched)

    await destroy(db)
    const dry = await story.call(['restore', 'db', '--dry-run'])
    expect(dry.json).toMatchObject({ stops: [web.name], starts: [web.name] })
    const restored = story.restore('db')
    const isFilled = () => db.sql('shop', `SELECT datname FROM pg_database WHERE datname LIKE 'xnai_restore%'`)
    await eventually(isFilled, 120, 'the restore has begun')
    expect(await states(lab), 'the client is down meanwhile').toMatchObject({ web: 'exited', db: 'running' })
    const { checks } = await restored
    expect(checks.length).toBeGreaterThan(3)
    expect(await content(db)).toEqual(before)
    expect(await states(lab)).toMatchObject({ web: 'running', db: 'running' })
    expect((await startTimes(lab)).includes(`${db.name} running ${startOf(untouched, db.name)}`)).toBe(true)
    const login = `PGPASSWORD=$ROLE psql -X -A -t -h db -U clerk -d bench -c 'SELECT current_user'`
    const call = ['exec', '--env', `ROLE=${rolePassword}`, db.name, 'sh', '-c', login]
    expect(await lab.podman(call)).toBe('clerk\n')
  })

  test('a writer that never pauses: one instant, between its first and its last transaction', async () => {
    const { lab } = story
    const busy = await start('busy')
    await busy.sql('shop', 'CREATE TABLE first (n int); CREATE TABLE second (n int)')
    const transaction = 'BEGIN; INSERT INTO first VALUES (%s); INSERT INTO second VALUES (%s); COMMIT;\\n'
    const loop = `while :; do n=$((n+1)); printf '${transaction}' $n $n; done | psql -X -q -U shop -d shop >/dev/null`
    await lab.podman(['exec', '--detach', busy.name, 'sh', '-c', loop])
    const count = async () => {
      const counts = await busy.sql('shop', 'SELECT (SELECT count(*) FROM first), (SELECT count(*) FROM second)')
      const [first = 0, second] = counts.split('|').map(Number)
      expect(first).toBe(second)
      return first
    }
    const started = await eventually(
      async () => {
        const counted = await count()
        return counted > 100 ? counted : undefined
      },
      60,
      'the writer writes',
    )
    const id = await story.backUp('busy')
    const ended = await count()
    // The swap ends the writer's session, and with it the writer.
    await story.restore('busy', '--at', id)
    const restored = await count()
    expect(restored).toBeGreaterThanOrEqual(started)
    expect(restored).toBeLessThanOrEqual(ended)
  })

  test('into a server that was never started, which stays down', async () => {
    const { lab } = story
    const small = await start('small')
    await small.sql('shop', `CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n`)
    await story.backUp('small')
    await lab.podman(['rm', '--force', '--time', '10', small.name])
    await lab.podman(['volume', 'rm', `${lab.project}-small`])
    const fresh = await start('small', { create: true })
    await story.restore('small')
    expect((await states(lab)).small).not.toBe('running')
    await lab.podman(['start', small.name])
    await answers(fresh)
    expect(await fresh.sql('shop', 'SELECT count(*), sum(n) FROM kept')).toBe('1000|500500')
  })
})

const startOf = (times: string, name: string) =>
  times
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.split(' running ')[1]

describe('postgres: what cannot be backed up', () => {
  test('a dump whose program fails after half of it', async () => {
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const half = await start('half', {
      env: { POSTGRES_USER: 'shop', POSTGRES_PASSWORD: password, PATH: `/first:${path}` },
    })
    await half.sql('shop', `CREATE TABLE much AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n`)
    const fake = `mkdir /first; printf '#!/bin/sh\\n/usr/bin/pg_dump "$@" | head -c 500000; echo out of luck >&2; exit 1\\n' >/first/pg_dump; chmod 755 /first/pg_dump`
    await half.exec(['sh', '-c', fake])
    const before = await startTimes(story.lab)
    const { exitCode, json } = await story.call(['backup', 'half'])
    expect(exitCode).toBe(1)
    expect(json.targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'DUMP_FAILED' } })
    expect(json.targets[0].error.message).toContain('out of luck')
    expect(json.targets[0].error.hint).not.toBe('')
    expect((await story.call(['list', 'half'])).json).toEqual({ snapshots: [] })
    const incoming = join(story.product.repository, '.incoming')
    expect(existsSync(incoming) ? readdirSync(incoming) : []).toEqual([])
    expect(await startTimes(story.lab)).toBe(before)
  })
})
