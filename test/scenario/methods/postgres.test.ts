import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import { postgres } from '../../../src/methods/postgres.ts'
import { eventually, type Lab, type LabContainer, type LabService, startLab } from '../../support/lab.ts'
import { type MethodBench, methodBench, plainSpec } from '../../support/method-context.ts'

let lab: Lab

beforeAll(async () => {
  lab = await startLab('postgres')
})
afterAll(() => lab?.stop())

interface Instance {
  container: LabContainer
  bench: MethodBench<'postgres'>
  /** Standard output of a psql script; the first error rejects. */
  sql(database: string, script: string): Promise<string>
}

async function start(
  service: Partial<LabService> & { name: string; options?: MethodOptions['postgres'] },
): Promise<Instance> {
  const { options = {}, ...rest } = service
  const container = await lab.run({
    volumes: [`${lab.project}-${rest.name}:/var/lib/postgresql`],
    command: ['svc', 'postgres', '-c', 'fsync=off'],
    ...rest,
  })
  const sql = async (database: string, script: string) => {
    const psql = `printf '%s\\n' "$SQL" | psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres -d "$1" -f -`
    return (
      await lab.podman(['exec', '--env', `SQL=${script}`, container.name, 'sh', '-c', psql, 'sh', database])
    ).trim()
  }
  await eventually(() => sql('postgres', 'SELECT 1'), 30, `${rest.name} answers`)
  return { container, sql, bench: methodBench(lab, container.name, postgres, plainSpec('postgres', options)) }
}

const makeDatabases = async ({ sql }: Instance) => {
  await sql(
    'postgres',
    `CREATE ROLE app LOGIN PASSWORD 'secret of app'; CREATE ROLE reader; GRANT reader TO app;
    CREATE TABLE in_postgres (a int); INSERT INTO in_postgres VALUES (7);`,
  )
  await sql('postgres', 'CREATE DATABASE shop OWNER app;')
  await sql('postgres', `CREATE DATABASE "Odd ""name"" = x" LOCALE 'C' TEMPLATE template0;`)
  await sql(
    'shop',
    `CREATE EXTENSION pgcrypto; CREATE SCHEMA "My ""s";
    CREATE TABLE items (id serial PRIMARY KEY, note text); INSERT INTO items (note) SELECT 'note ' || n FROM generate_series(1, 1000) n;
    CREATE TABLE "My ""s"."it's" (b bytea); INSERT INTO "My ""s"."it's" VALUES ('\\x00ff5c27');
    CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    INSERT INTO parts SELECT n, '2026-01-15' FROM generate_series(1, 50) n; ALTER TABLE items OWNER TO app;
    SELECT lo_from_bytea(4711, 'large object');
    ALTER DATABASE shop SET search_path TO "$user", public, "My ""s"; ALTER DATABASE shop CONNECTION LIMIT 50;
    ALTER ROLE app IN DATABASE shop SET work_mem TO '8MB'; COMMENT ON DATABASE shop IS 'it''s a \\ shop';
    REVOKE ALL ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO reader WITH GRANT OPTION;`,
  )
}

/** Everything that a restore must bring back, as text. */
const content = async ({ sql }: Instance) => [
  await sql(
    'shop',
    `SELECT md5(string_agg(i::text, ',' ORDER BY id)) FROM items i; SELECT * FROM "My ""s"."it's"; SELECT count(*) FROM parts;
    SELECT convert_from(lo_get(4711), 'utf8'); SELECT nextval('items_id_seq') > 1000; SELECT tableowner FROM pg_tables WHERE tablename = 'items';`,
  ),
  await sql(
    'postgres',
    `SELECT * FROM in_postgres; SELECT datname, pg_get_userbyid(datdba), datacl, datconnlimit, datcollate, shobj_description(oid, 'pg_database') FROM pg_database ORDER BY 1;
    SELECT setdatabase::regclass IS NULL, setrole::regrole, setconfig FROM pg_db_role_setting ORDER BY setconfig::text;
    SELECT rolname, rolcanlogin, rolpassword FROM pg_authid WHERE rolname IN ('app', 'reader'); SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE member = 'app'::regrole;`,
  ),
]
const damage = async ({ sql }: Instance) => {
  await sql(
    'shop',
    `DELETE FROM items; CREATE TABLE newer (a int); DROP SCHEMA "My ""s" CASCADE; SELECT lo_unlink(4711);`,
  )
  await sql(
    'postgres',
    `UPDATE in_postgres SET a = 8; ALTER DATABASE shop SET work_mem TO '1MB'; ALTER DATABASE shop OWNER TO postgres; ALTER ROLE app NOLOGIN;`,
  )
  await sql('postgres', `DROP DATABASE "Odd ""name"" = x"`)
}
const transient = ({ sql }: Instance) => sql('postgres', `SELECT count(*) FROM pg_database WHERE datname LIKE 'xnai%'`)

describe('a round trip by content', () => {
  test('databases, roles, settings, privileges and large objects', async () => {
    const instance = await start({ name: 'round' })
    await makeDatabases(instance)
    const before = await content(instance)
    const snapshot = await instance.bench.capture()
    expect(snapshot.facts['rows of shop']).toEqual({
      '"My ""s"."it\'s"': 1,
      'public.items': 1000,
      'public.parts_1': 50,
    })
    await damage(instance)
    for (const check of await instance.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await content(instance)).toEqual(before)
    expect(await transient(instance)).toBe('0')
    // Once more, into a server that has all of it already, with a client that holds on.
    const client = instance.sql('shop', 'SELECT pg_sleep(300)').catch(() => 'ended')
    for (const check of await instance.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect(await client).toBe('ended')
    expect(await content(instance)).toEqual(before)
  })
})
