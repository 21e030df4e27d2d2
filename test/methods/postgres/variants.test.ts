import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually, type Lab, type LabContainer, type LabService } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import type { RestoreContext, StoredSnapshot } from '../../../src/methods/method.ts'
import { postgres } from '../../../src/methods/postgres/index.ts'
import { type MethodBench, methodBench, plainSpec, startBenchLab } from '../../support/method-context.ts'

const rolePassword = newSecret('role')
let lab: Lab

beforeAll(async () => {
  lab = await startBenchLab('postgres', [rolePassword])
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
    `CREATE ROLE app LOGIN PASSWORD '${rolePassword}'; CREATE ROLE reader; GRANT reader TO app;
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

describe('a restore that is cut leaves all of the old or all of the new', () => {
  const fill = async ({ sql }: Instance, value: string) => {
    for (const database of ['one', 'two']) {
      const table = 'CREATE TABLE IF NOT EXISTS state (value text); TRUNCATE state;'
      await sql(
        database,
        `${table} INSERT INTO state VALUES ('${value}'); COMMENT ON DATABASE ${database} IS '${value}'`,
      )
    }
    await sql('postgres', `ALTER ROLE app VALID UNTIL '${value === 'saved' ? '2030-01-01' : '2040-01-01'}'`)
  }
  /** One word, or a mix. */
  const state = async ({ sql }: Instance) => {
    const role = `CASE date_part('year', rolvaliduntil) WHEN 2030 THEN 'saved' ELSE 'now' END`
    const seen = await sql(
      'one',
      `SELECT value FROM state; SELECT ${role} FROM pg_authid WHERE rolname = 'app';
      SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname IN ('one', 'two');
      \\connect two
      SELECT value FROM state;`,
    )
    return [...new Set(seen.split('\n'))].join(' and ')
  }
  let instance: Instance
  let snapshot: StoredSnapshot

  beforeAll(async () => {
    instance = await start({ name: 'cut', options: { databases: ['one', 'two'] } })
    await instance.sql('postgres', 'CREATE ROLE app')
    for (const database of ['one', 'two']) await instance.sql('postgres', `CREATE DATABASE ${database} OWNER app`)
    await fill(instance, 'saved')
    snapshot = await instance.bench.capture()
  })
  beforeEach(async () => {
    await fill(instance, 'now')
    expect(await state(instance)).toBe('now')
  })

  // Whoever dies at a point leaves what is seen there.
  test('seen after every command of a restore', async () => {
    const states: string[] = []
    const disturb = (ctx: RestoreContext): RestoreContext => ({
      ...ctx,
      exec: async (...call) => {
        const result = await ctx.exec(...call)
        states.push(await state(instance))
        return result
      },
    })
    for (const check of await instance.bench.restore(snapshot, disturb)) expect(check).toMatchObject({ ok: true })
    expect(states.filter((each, index) => each !== states[index - 1])).toEqual(['now', 'saved'])
  })

  test.each(['pg_restore', 'RENAME TO', 'DROP DATABASE'])(
    'and the next one clears up after a controller that died at %s',
    async (death) => {
      let isDead = false
      const disturb = (ctx: RestoreContext): RestoreContext => ({
        ...ctx,
        exec: (command, options) => {
          isDead ||= `${command[4]} ${options?.input}`.includes(death)
          return isDead ? Promise.reject(new Error('the controller is dead')) : ctx.exec(command, options)
        },
      })
      await instance.bench.restore(snapshot, disturb).catch(() => undefined)
      expect(isDead).toBe(true)
      expect(await state(instance)).toBe(death === 'DROP DATABASE' ? 'saved' : 'now')
      expect(await transient(instance)).not.toBe('0')
      for (const check of await instance.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
      expect(await state(instance)).toBe('saved')
      expect(await transient(instance)).toBe('0')
    },
  )

  test('within the swap, after every statement and in the middle of it', async () => {
    const states: string[] = []
    const disturb = (ctx: RestoreContext): RestoreContext => ({
      ...ctx,
      exec: async (command, options) => {
        const script = typeof options?.input === 'string' ? options.input : ''
        const end = script.indexOf('COMMIT;')
        if (!script.includes('RENAME TO') || end < 0) return ctx.exec(command, options)
        for (const cut of cuts(script.slice(0, end))) {
          await ctx.exec(command, { ...options, input: cut })
          states.push(await state(instance))
        }
        return ctx.exec(command, options)
      },
    })
    for (const check of await instance.bench.restore(snapshot, disturb)) expect(check).toMatchObject({ ok: true })
    expect(states.length).toBe(16)
    expect(new Set(states)).toEqual(new Set(['now']))
    expect(await state(instance)).toBe('saved')
  })

  /** The script up to the end and up to the middle of each of its statements, those of the globals aside. */
  function cuts(script: string): string[] {
    const lines = script.split('\n')
    return lines.flatMap((line, index) => {
      const before = lines.slice(0, index).map((each) => `${each}\n`)
      if (!/^(BEGIN|:own_password|ALTER DATABASE|COMMENT ON)/.test(line)) return []
      return [[...before, line.slice(0, line.length / 2)].join(''), [...before, line].join('')]
    })
  }
})

describe('what cannot be backed up is said', () => {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const capture = (instance: Pick<Instance, 'bench'>) =>
    instance.bench.capture().then(
      () => 'captured',
      (error) => error,
    )
  const bench = (container: LabContainer, options: MethodOptions['postgres'] = {}) =>
    methodBench(lab, container.name, postgres, plainSpec('postgres', options))

  test('a wrong, a missing and a right password', async () => {
    const passwords = { POSTGRES_PASSWORD: newSecret('right'), WRONG_PASSWORD: newSecret('wrong') }
    const env = { ...passwords, POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256' }
    const container = await lab.run({
      name: 'password',
      command: ['svc', 'postgres'],
      env,
      volumes: [`${lab.project}-password:/var/lib/postgresql`],
    })
    await eventually(
      async () => (await capture({ bench: bench(container, { passwordEnv: 'POSTGRES_PASSWORD' }) })) === 'captured',
      30,
      'a capture',
    )
    expect(await capture({ bench: bench(container, { passwordEnv: 'WRONG_PASSWORD' }) })).toMatchObject({
      code: 'AUTH_FAILED',
    })
    expect(await capture({ bench: bench(container) })).toMatchObject({
      code: 'AUTH_FAILED',
      hint: expect.stringContaining('password-env'),
    })
    const missing = bench(container, { passwordEnv: 'POSTGRES_PASSWORD', databases: ['postgres', 'none'] })
    expect(await capture({ bench: missing })).toMatchObject({
      code: 'TARGET_BROKEN',
      message: expect.stringContaining('none'),
    })
  })

  test('a server that is down, and an image without the programs', async () => {
    const down = await lab.run({ name: 'down', command: ['sleep', '600'] })
    expect(await capture({ bench: bench(down) })).toMatchObject({ code: 'SERVICE_DOWN' })
    const bare = await lab.run({ name: 'bare', command: ['/usr/bin/sleep', '600'], env: { PATH: '/nowhere' } })
    expect(await capture({ bench: bench(bare) })).toMatchObject({ code: 'TOOL_MISSING' })
  })

  test('a dump whose program fails after half of it, is cut, or says nothing', async () => {
    const instance = await start({ name: 'half', env: { PATH: `/tmp/first:${path}` } })
    const fake = async (body: string) => {
      const script = `mkdir -p /tmp/first; printf '#!/bin/sh\\n%s\\n' "$BODY" > /tmp/first/pg_dump; chmod 755 /tmp/first/pg_dump`
      await lab.podman(['exec', '--env', `BODY=${body}`, instance.container.name, 'sh', '-c', script])
    }
    await fake('/usr/bin/pg_dump "$@" | head -c 3000; echo "out of luck" >&2; exit 1')
    expect(await capture(instance)).toMatchObject({
      code: 'DUMP_FAILED',
      message: expect.stringContaining('out of luck'),
    })
    await fake('/usr/bin/pg_dump "$@" | head -c 300')
    expect(await capture(instance)).toMatchObject({ code: 'DUMP_FAILED' })
    await fake('exit 0')
    expect(await capture(instance)).toMatchObject({ code: 'DUMP_FAILED', message: expect.stringContaining('empty') })
    await fake('echo hello')
    expect(await capture(instance)).toMatchObject({ code: 'DUMP_FAILED', message: expect.stringContaining('no dump') })
  })

  test('a server older than the dump, and an extension that the image lacks: nothing is touched', async () => {
    const instance = await start({ name: 'refuse' })
    await instance.sql('postgres', 'CREATE TABLE kept (a int)')
    const { facts, ...snapshot } = await instance.bench.capture()
    const restore = (change: object) =>
      instance.bench.restore({ ...snapshot, facts: { ...facts, ...change } }).then(
        () => 'restored',
        (error) => error,
      )
    await instance.sql('postgres', 'INSERT INTO kept VALUES (1)')
    expect(await restore({ serverMajor: 99 })).toMatchObject({ code: 'RESTORE_REFUSED' })
    expect(await restore({ 'extensions of postgres': { nowhere: '1' } })).toMatchObject({ code: 'RESTORE_REFUSED' })
    // A count that does not come out right is found before the swap.
    expect(await restore({ 'rows of postgres': { 'public.kept': 5 } })).toMatchObject({ code: 'PROOF_FAILED' })
    expect(await instance.sql('postgres', 'SELECT count(*) FROM kept')).toBe('1')
    expect(await transient(instance)).toBe('0')
  })

  test('a stopped server is started, and one whose data is gone is filled again', async () => {
    const instance = await start({ name: 'gone' })
    await makeDatabases(instance)
    const snapshot = await instance.bench.capture()
    await lab.podman(['stop', '--time', '5', instance.container.name])
    const volume = await lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', `${lab.project}-gone`])
    await rm(join(volume.trim(), 'data'), { recursive: true })
    for (const check of await instance.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    expect((await content(instance))[0]).toContain('large object')
  })
})
