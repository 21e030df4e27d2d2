import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../../lab/lab.ts'
import type { RestoreContext, StoredSnapshot, UndoDetail } from '../../../src/methods/method.ts'
import * as postgres from '../../../src/methods/postgres/work.ts'
import { methodBench, plainSpec, startBenchLab } from '../../support/method-context.ts'
import { installTimescaleStandIn, makeJobs, makeSeries } from './extensions.ts'
import { quick, rolePassword, type Server, startPostgres, transient } from './server.ts'
import { contentOfShop, damageShop, makeShop } from './shop.ts'

const lab = await startBenchLab('postgres', [rolePassword])
afterAll(() => lab.stop())

const withCron = ['-c', 'shared_preload_libraries=pg_cron', '-c', 'cron.database_name=jobs', '-c', 'wal_level=logical']

const [shop, pair] = await Promise.all([
  startPostgres(lab, { name: 'shop', command: ['svc', 'postgres', ...quick, ...withCron] }),
  startPostgres(lab, {
    name: 'pair',
    command: ['svc', 'postgres', ...quick, '-p', '5433'],
    env: { SQL_PORT: '5433' },
    options: { databases: ['one', 'two'], port: 5433 },
  }),
])

test('databases, roles, settings, privileges and large objects come back, also from under a client', async () => {
  await makeShop(shop)
  const before = await contentOfShop(shop)
  const snapshot = await shop.bench.capture()
  expect(snapshot.facts['rows of shop']).toEqual({ '"My ""s"."it\'s"': 1, 'public.items': 1000, 'public.parts_1': 50 })
  await damageShop(shop)
  for (const check of await shop.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await contentOfShop(shop)).toEqual(before)
  expect(await transient(shop)).toBe('0')
  // Once more, into a server that has all of it already, with a client that holds on.
  const client = shop.sql('shop', 'SELECT pg_sleep(3600)').catch(() => 'ended')
  const isHeld = `SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'`
  await eventually(async () => (await shop.sql('postgres', isHeld)) === '1', 60, 'the client holds on')
  for (const check of await shop.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await client).toBe('ended')
  expect(await contentOfShop(shop)).toEqual(before)
})

test('pg_cron, a stand-in for TimescaleDB, functions that name others without a schema, and a subscription come back', async () => {
  await installTimescaleStandIn(lab, shop)
  await makeSeries(shop)
  await makeJobs(shop)
  const bench = methodBench(lab, shop.name, postgres, plainSpec('postgres', { databases: ['jobs', 'series'] }))
  const snapshot = await bench.capture()
  await shop.sql('jobs', `SELECT cron.unschedule('nightly'); TRUNCATE page;`)
  await shop.sql('series', 'DROP TABLE metric')
  for (const check of await bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
  expect(await shop.sql('jobs', 'SELECT jobname FROM cron.job; SELECT form FROM page ORDER BY 1;')).toBe(
    'nightly\nbirnen\näpfel',
  )
  const paths = `SELECT count(*) FROM pg_proc WHERE proname = 'search_form' AND proconfig IS NULL`
  expect(await shop.sql('jobs', paths)).toBe('1')
  expect(await shop.sql('jobs', 'SELECT subname, subenabled FROM pg_subscription')).toBe('far|f')
  expect(await shop.sql('series', 'SELECT sum(n) FROM metric; SELECT chunk FROM timescale_catalog')).toBe(
    '3\n_hyper_1_1_chunk',
  )
  expect(await shop.sql('series', 'SELECT is_restoring()')).toBe('f')
  expect(await transient(shop)).toBe('0')
  expect(bench.warnings.join('\n')).toMatch(/far/)
})

test('a client that nothing stops cannot hold up the swap, nor make the proof or the roll back fail', async () => {
  await shop.sql('postgres', 'CREATE TABLE IF NOT EXISTS state (value text)')
  const bench = methodBench(lab, shop.name, postgres, plainSpec('postgres', { databases: ['postgres'] }))
  const snapshot = await bench.capture()
  const write = `while [ ! -e /tmp/enough ]; do echo "INSERT INTO state VALUES ('more');"; sleep 0.02; done`
  const script = `while [ ! -e /tmp/enough ]; do ${write} | psql -X -q -U postgres -d postgres; done 2>/dev/null`
  await lab.podman(['exec', '--detach', shop.name, 'sh', '-c', script])
  const rows = () => shop.sql('postgres', 'SELECT count(*) FROM state')
  await eventually(async () => Number(await rows()) > 0, 60, 'the client writes')
  try {
    for (let time = 0; time < 2; time++)
      for (const check of await bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
    await eventually(async () => Number(await rows()) > 0, 60, 'the client writes again')
  } finally {
    await shop.exec(['touch', '/tmp/enough'])
  }
  expect(bench.warnings.join('\n')).toContain('postgres in postgres from its container')
})

describe('a restore that is cut leaves all of the old or all of the new', () => {
  let snapshot: StoredSnapshot

  beforeAll(async () => {
    const table = 'CREATE TABLE state (value text)'
    await pair.sql('postgres', 'CREATE ROLE app')
    await pair.sql('postgres', 'CREATE DATABASE one OWNER app')
    await pair.sql('one', table)
    await pair.sql('postgres', 'CREATE DATABASE two TEMPLATE one OWNER app')
    await fill('saved')
    snapshot = await pair.bench.capture()
  })
  beforeEach(async () => {
    await fill('now')
    expect(await state(pair)).toBe('now')
  })

  // Whoever dies at a point leaves what is seen there.
  test('at every command, and within the swap at every statement and in the middle of it', async () => {
    const states: string[] = []
    let cutsInSwap = 0
    const disturb = (ctx: RestoreContext): RestoreContext => ({
      ...ctx,
      exec: async (command, options) => {
        for (const cut of cutsOf(options?.input)) {
          await ctx.exec(command, { ...options, input: cut })
          states.push(await state(pair))
          cutsInSwap++
        }
        const result = await ctx.exec(command, options)
        states.push(await state(pair))
        return result
      },
    })
    for (const check of await pair.bench.restore(snapshot, disturb)) expect(check).toMatchObject({ ok: true })
    expect(cutsInSwap).toBe(16)
    expect(states.filter((each, index) => each !== states[index - 1])).toEqual(['now', 'saved'])
  })

  test.each(['pg_restore', 'RENAME TO', 'DROP DATABASE'])(
    'and the next restore clears up after a controller that died at %s',
    async (death) => {
      let isDead = false
      const disturb = (ctx: RestoreContext): RestoreContext => ({
        ...ctx,
        exec: (command, options) => {
          isDead ||= `${command[4]} ${options?.input}`.includes(death)
          return isDead ? Promise.reject(new Error('the controller is dead')) : ctx.exec(command, options)
        },
      })
      await pair.bench.restore(snapshot, disturb).catch(() => undefined)
      expect(isDead).toBe(true)
      expect(await state(pair)).toBe(death === 'DROP DATABASE' ? 'saved' : 'now')
      expect(await transient(pair)).not.toBe('0')
      for (const check of await pair.bench.restore(snapshot)) expect(check).toMatchObject({ ok: true })
      expect(await state(pair)).toBe('saved')
      expect(await transient(pair)).toBe('0')
    },
  )
})

test('the undo of a restore that died before the swap opens the databases that it had closed', async () => {
  await pair.sql('postgres', 'CREATE DATABASE three')
  const bench = methodBench(lab, pair.name, postgres, plainSpec('postgres', { databases: ['three'], port: 5433 }))
  const details: UndoDetail[] = []
  let isDead = false
  const dying = (ctx: RestoreContext): RestoreContext => ({
    ...ctx,
    recordUndo: (detail) => {
      details.push(detail)
      return ctx.recordUndo(detail)
    },
    exec: async (command, options) => {
      const input = String(options?.input)
      if (!isDead && input.includes('RENAME TO')) {
        await ctx.exec(command, { ...options, input: input.slice(0, input.indexOf('BEGIN;')) })
        isDead = true
      }
      return isDead ? await Promise.reject(new Error('the controller is dead')) : await ctx.exec(command, options)
    },
  })
  await expect(bench.restore(await bench.capture(), dying)).rejects.toThrow('the controller is dead')
  await expect(pair.sql('three', 'SELECT 1')).rejects.toThrow('not currently accepting connections')
  expect(await transient(pair)).toBe('1')
  await postgres.undo?.(await bench.context(), bench.spec, details[0] as UndoDetail)
  expect(await pair.sql('three', 'SELECT 1')).toBe('1')
  expect(await transient(pair)).toBe('0')
})

/** Writes one word into both databases, their comments and the role. */
async function fill(word: 'saved' | 'now'): Promise<void> {
  const rows = `TRUNCATE state; INSERT INTO state VALUES ('${word}')`
  await pair.sql(
    'one',
    `${rows}; COMMENT ON DATABASE one IS '${word}'; COMMENT ON DATABASE two IS '${word}';
    ALTER ROLE app VALID UNTIL '${word === 'saved' ? '2030-01-01' : '2040-01-01'}';
    \\connect two
    ${rows};`,
  )
}

/** The word, or a mix of both. Databases that are closed are opened first, as the undo of a dead restore does it. */
async function state({ sql }: Server): Promise<string> {
  await sql(
    'postgres',
    `SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', datname) FROM pg_database WHERE datname IN ('one', 'two') \\gexec`,
  )
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

/** The script of the swap up to the end and up to the middle of each of its statements, those of the globals aside. */
function cutsOf(input: unknown): string[] {
  const script = typeof input === 'string' ? input : ''
  const end = script.indexOf('COMMIT;')
  if (!script.includes('RENAME TO') || end < 0) return []
  const lines = script.slice(0, end).split('\n')
  return lines.flatMap((line, index) => {
    const before = lines.slice(0, index).map((each) => `${each}\n`)
    if (!/^(BEGIN|:own_password|ALTER DATABASE|COMMENT ON)/.test(line)) return []
    return [[...before, line.slice(0, line.length / 2)].join(''), [...before, line].join('')]
  })
}
