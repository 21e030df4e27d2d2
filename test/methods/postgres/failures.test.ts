import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually, type LabContainer } from '../../../lab/lab.ts'
import { newSecret } from '../../../lab/secrets.ts'
import type { MethodOptions } from '../../../src/labels/spec.ts'
import type { UndoDetail } from '../../../src/methods/method.ts'
import * as postgres from '../../../src/methods/postgres/work.ts'
import { failure, methodBench, plainSpec } from '../../support/method-context.ts'
import { openStory } from '../../support/story.ts'
import { sharedFailures } from '../shared/failures.ts'
import { removeStandIn, standIn, standInPath } from '../shared/stand-in.ts'
import { password, startPostgres, subject, transient } from './server.ts'

const story = await openStory('postgres-failures')
const { lab } = story
afterAll(() => story[Symbol.asyncDispose]())

const [server, down, bare] = await Promise.all([
  startPostgres(lab, {
    name: 'server',
    env: {
      POSTGRES_PASSWORD: password,
      WRONG_PASSWORD: newSecret('wrong'),
      POSTGRES_INITDB_ARGS: '--auth-local=scram-sha-256',
      PATH: standInPath,
    },
    options: { passwordEnv: 'POSTGRES_PASSWORD' },
  }),
  lab.run({ name: 'down', command: ['sleep', 'infinity'] }),
  lab.run({ name: 'bare', command: ['/usr/bin/sleep', 'infinity'], env: { PATH: '/nowhere' } }),
])
const capture = (options: MethodOptions['postgres'], { name }: LabContainer = server) =>
  failure(methodBench(lab, name, postgres, plainSpec('postgres', options)).capture())

sharedFailures(story, subject)

describe('a backup fails and says why', () => {
  test('with a wrong and without a password', async () => {
    expect(await capture({ passwordEnv: 'POSTGRES_PASSWORD' })).toBe('no failure')
    expect(await capture({ passwordEnv: 'WRONG_PASSWORD' })).toMatchObject({ code: 'AUTH_FAILED' })
    expect(await capture({})).toMatchObject({ code: 'AUTH_FAILED', hint: expect.stringContaining('password-env') })
  })

  test('of a database that is not there', async () => {
    expect(await capture({ passwordEnv: 'POSTGRES_PASSWORD', databases: ['postgres', 'none'] })).toMatchObject({
      code: 'TARGET_BROKEN',
      message: expect.stringContaining('none'),
    })
  })

  test('of a server that is down, and in an image without the programs', async () => {
    expect(await capture({}, down)).toMatchObject({ code: 'SERVICE_DOWN' })
    expect(await capture({}, bare)).toMatchObject({ code: 'TOOL_MISSING' })
  })

  test('when pg_dump fails after half of the dump, is cut, or says nothing or nonsense', async () => {
    const half = '/usr/bin/pg_dump "$@" | head -c 3000; echo "out of luck" >&2; exit 1'
    const cases: [program: string, message: string][] = [
      [half, 'out of luck'],
      ['/usr/bin/pg_dump "$@" | head -c 300', ''],
      ['exit 0', 'empty'],
      ['echo hello', 'no dump'],
    ]
    for (const [program, message] of cases) {
      await standIn(lab, server.name, 'pg_dump', program)
      const error = await failure(server.bench.capture())
      expect(error, program).toMatchObject({ code: 'DUMP_FAILED', message: expect.stringContaining(message) })
    }
    await removeStandIn(lab, server.name, 'pg_dump')
  })
})

describe('a backup under what else happens in the server', () => {
  test('of a table that is emptied in the middle counts what was dumped, and no session but that of pg_dump locks it', async () => {
    await server.sql('postgres', `CREATE TABLE long AS SELECT n, repeat('x', 99) FROM generate_series(1, 20000) n`)
    // pg_dump holds its locks until its output has been read. TRUNCATE waits for it, and everybody else waits for TRUNCATE.
    const ask = 'psql -X -q -A -t -d postgres -c'
    const program = `/usr/bin/pg_dump "$@" | {
      dd bs=1 count=5 of=/tmp/five 2>/dev/null
      ${ask} 'TRUNCATE long' &
      for i in $(seq 300); do
        [ "$(${ask} 'SELECT count(*) FROM pg_locks WHERE NOT granted')" = 1 ] && break; sleep 0.1
      done
      ${ask} "SELECT count(*) FROM pg_stat_activity WHERE xact_start < now() AND query !~ 'TRUNCATE'
        AND backend_type = 'client backend'" >/tmp/sessions
      cat /tmp/five -; wait; }`
    await standIn(lab, server.name, 'pg_dump', program)
    const { facts } = await server.bench.capture()
    await removeStandIn(lab, server.name, 'pg_dump')
    expect(await server.sql('postgres', 'SELECT count(*) FROM long; DROP TABLE long;')).toBe('0')
    expect(facts['rows of postgres']).toMatchObject({ 'public.long': 20000 })
    expect((await server.exec(['cat', '/tmp/sessions'])).trim()).toBe('1')
  })

  test('names what no dump holds', async () => {
    await server.sql('postgres', 'CREATE DATABASE mould IS_TEMPLATE true')
    await server.sql('postgres', `ALTER SYSTEM SET work_mem = '5MB'`)
    await server.sql('template1', 'CREATE TABLE in_every_new_database (a int)')
    await server.exec([
      'sh',
      '-c',
      'echo "host shop app 10.0.0.0/8 scram-sha-256" >>/var/lib/postgresql/data/pg_hba.conf',
    ])
    await server.bench.capture()
    const said = server.bench.warnings.join('\n')
    for (const word of ['mould', 'work_mem', '1 rules of pg_hba.conf', 'template1']) expect(said).toContain(word)
    await server.sql('template1', 'DROP TABLE in_every_new_database')
    await server.sql('postgres', 'ALTER SYSTEM RESET ALL; ALTER DATABASE mould IS_TEMPLATE false; DROP DATABASE mould;')
  })

  test('leaves an invalid database out, and a restore puts its old content in its place', async () => {
    await server.sql('postgres', 'CREATE DATABASE broken')
    await server.sql('broken', 'CREATE TABLE kept AS SELECT 8 AS a')
    const whole = await server.bench.capture()
    // As a DROP DATABASE leaves it that was interrupted.
    await server.sql('postgres', `UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'broken'`)
    const snapshot = await server.bench.capture()
    expect(Object.keys(snapshot.facts)).not.toContain('rows of broken')
    expect(server.bench.warnings.join()).toContain('broken')
    for (const check of await server.bench.restore(whole)) expect(check).toMatchObject({ ok: true })
    expect(await server.sql('broken', 'SELECT a FROM kept')).toBe('8')
    await server.sql('postgres', 'DROP DATABASE broken')
  })
})

describe('a restore', () => {
  test('into an older server, without an extension, or with other counts is refused and changes nothing', async () => {
    await server.sql('postgres', 'DROP TABLE IF EXISTS kept; CREATE TABLE kept (a int)')
    const { facts, ...snapshot } = await server.bench.capture()
    const restore = (change: object) => failure(server.bench.restore({ ...snapshot, facts: { ...facts, ...change } }))
    await server.sql('postgres', 'INSERT INTO kept VALUES (1)')
    expect(await restore({ serverMajor: 99 })).toMatchObject({ code: 'RESTORE_REFUSED' })
    expect(await restore({ 'extensions of postgres': { nowhere: '1' } })).toMatchObject({ code: 'RESTORE_REFUSED' })
    // A count that does not come out right is found before the swap.
    expect(await restore({ 'rows of postgres': { 'public.kept': 5 } })).toMatchObject({ code: 'PROOF_FAILED' })
    expect(await server.sql('postgres', 'SELECT count(*) FROM kept')).toBe('1')
    expect(await transient(server)).toBe('0')
  })

  test('that is rolled back leaves no database that it has made', async () => {
    await server.sql('postgres', 'CREATE DATABASE lost')
    const snapshot = await server.bench.capture()
    await server.sql('postgres', 'DROP DATABASE lost')
    await server.sql('postgres', 'CREATE DATABASE newer')
    const safety = await server.bench.capture()
    let noted: UndoDetail = {}
    const noteForRollBack = (detail: UndoDetail) => {
      noted = detail
    }
    await server.bench.restore(snapshot, (ctx) => ({ ...ctx, noteForRollBack }))
    const others = `SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname IN ('lost', 'newer')`
    expect(await server.sql('postgres', others)).toBe('lost,newer')
    await server.bench.restore(safety, (ctx) => ({ ...ctx, rollsBack: noted }))
    expect(await server.sql('postgres', others)).toBe('newer')
    await server.sql('postgres', 'DROP DATABASE newer')
  })

  test('of a stopped server whose data is gone starts it and fills it again', async () => {
    await server.sql('postgres', 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS a')
    const snapshot = await server.bench.capture()
    await lab.podman(['stop', '--time', '5', server.name])
    const volume = await lab.podman(['volume', 'inspect', '--format', '{{.Mountpoint}}', `${lab.project}-server`])
    await rm(join(volume.trim(), 'data'), { recursive: true })
    for (const check of await server.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    await eventually(async () => (await server.sql('postgres', 'SELECT a FROM kept')) === '7', 60, 'the row is back')
  })
})
