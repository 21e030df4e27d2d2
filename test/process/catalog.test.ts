import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Catalog, Intent, RunFilter, RunStart } from '../../src/catalog/catalog.ts'
import { containerLock, controllerLock, networkLock, recoveryLock, targetLock } from '../../src/catalog/keys.ts'
import { schemaVersion } from '../../src/catalog/migrations.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { renderError } from '../../src/cli/render/error.ts'

let state: string

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'catalog-'))
})

afterEach(() => rmSync(state, { recursive: true, force: true }))

const intent: Intent = {
  kind: 'resume',
  how: 'start',
  container: { id: 'abc', name: 'shop-db-1', project: 'shop', service: 'db', number: 1 },
  startTimeoutSeconds: 120,
}
const run = {
  id: 'r1',
  kind: 'backup',
  trigger: 'manual',
  project: 'shop',
  target: 'db',
  started: '2026-08-01T02:00:00.000Z',
} as const

const catalogModule = join(import.meta.dirname, '../../src/catalog/sqlite.ts')

const local = (id: string) => ({ tier: 'local' as const, id })

/** Another process that holds a lock, an intent, a run and claims on snapshots, until it is killed. */
async function withDyingOwner(whileItLives: () => void): Promise<void> {
  const script = `
    const { openCatalog } = await import(${JSON.stringify(catalogModule)})
    const catalog = openCatalog(${JSON.stringify(state)})
    catalog.lock(${JSON.stringify([containerLock('shop-db-1'), targetLock('shop', 'db')])}, 'r1')
    catalog.addIntent(${JSON.stringify(intent)})
    catalog.startRun(${JSON.stringify(run)})
    catalog.pin(${JSON.stringify([local('pinned')])})
    catalog.takeForRemoval(${JSON.stringify([local('leaving')])})
    console.log('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    whileItLives()
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

describe('what another process holds', () => {
  test('is respected while it lives, and void once it is killed', async () => {
    using catalog = openCatalog(state)
    await withDyingOwner(() => {
      expect(() => catalog.lock([containerLock('shop-db-1')], 'mine')).toThrow(
        'container shop-db-1 is being worked on by run r1',
      )
      expect(catalog.holders()).toEqual([
        { key: containerLock('shop-db-1'), run: 'r1' },
        { key: targetLock('shop', 'db'), run: 'r1' },
      ])
      expect(catalog.claimOrphans()).toEqual([])
      expect(catalog.runs({})[0]).toEqual(run)
      expect(catalog.pinned()).toEqual([local('pinned')])
      expect(() => catalog.pin([local('leaving')])).toThrow('snapshot leaving is being removed')
    })
    expect(catalog.pinned()).toEqual([])
    using _pin = catalog.pin([local('leaving')])
    expect(catalog.holders()).toEqual([])
    using _lock = catalog.lock([containerLock('shop-db-1'), targetLock('shop', 'db')], 'mine')
    expect(catalog.claimOrphans()).toEqual([{ id: 1, intent }])
    expect(catalog.runs({})[0]).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } })
    expect(catalog.runs({ outcome: 'complete' })).toEqual([])
  })

  test('is claimed by one only', async () => {
    await withDyingOwner(() => {})
    using first = openCatalog(state)
    using second = openCatalog(state)
    expect(first.claimOrphans()).toHaveLength(1)
    expect(second.claimOrphans()).toEqual([])
  })
})

describe('locks', () => {
  const [a, b, c] = [containerLock('a'), containerLock('b'), containerLock('c')]

  test('are taken all or none', () => {
    using catalog = openCatalog(state)
    using other = openCatalog(state)
    const held = other.lock([b], 'theirs')
    expect(() => catalog.lock([a, b, c], 'mine')).toThrow('container b is being worked on by run theirs')
    expect(catalog.holders()).toEqual([{ key: b, run: 'theirs' }])
    held[Symbol.dispose]()
    using _taken = catalog.lock([a, b, c], 'mine')
    expect(catalog.holders().map(({ key }) => key)).toEqual([a, b, c])
  })

  test('hold against the same process too', () => {
    using catalog = openCatalog(state)
    using _held = catalog.lock([a], 'first')
    expect(() => catalog.lock([a], 'second')).toThrow('run first')
  })

  test('of all kinds are told apart, whatever signs their names hold', () => {
    using catalog = openCatalog(state)
    const name = 'target:a/b:c'
    const keys = [
      containerLock(name),
      networkLock(name),
      recoveryLock,
      controllerLock,
      targetLock(name, 'db'),
      targetLock('', 'db'),
    ]
    using _held = catalog.lock([...keys, ...keys], 'r1')
    const held = catalog.holders().map(({ key }) => key)
    expect(held).toHaveLength(keys.length)
    expect(held).toEqual(expect.arrayContaining(keys))
  })
})

describe('pins', () => {
  test('are shared, and keep a snapshot from removal until the last one is gone', () => {
    using catalog = openCatalog(state)
    using other = openCatalog(state)
    const first = catalog.pin([local('a'), local('b')])
    const second = other.pin([local('a')])
    const taken = () => {
      using removal = other.takeForRemoval([local('a'), local('b'), local('c'), { tier: 'remote', id: 'a' }])
      return removal.taken
    }
    expect(taken()).toEqual([local('c'), { tier: 'remote', id: 'a' }])
    first[Symbol.dispose]()
    expect(taken()).toEqual([local('b'), local('c'), { tier: 'remote', id: 'a' }])
    second[Symbol.dispose]()
    expect(taken()).toHaveLength(4)
    expect(catalog.pinned()).toEqual([])
  })

  test('are refused while one of the snapshots is being removed, all or none', () => {
    using catalog = openCatalog(state)
    using other = openCatalog(state)
    const removal = catalog.takeForRemoval([local('a')])
    for (const one of [catalog, other])
      expect(() => one.pin([local('b'), local('a')])).toThrow(expect.objectContaining({ code: 'NO_SUCH_SNAPSHOT' }))
    expect(catalog.pinned()).toEqual([])
    removal[Symbol.dispose]()
    using _pin = other.pin([local('b'), local('a')])
    expect(catalog.pinned()).toEqual([local('b'), local('a')])
  })

  test('of a roll back end with its intent, whoever has died over it', () => {
    using catalog = openCatalog(state)
    const wayBack = { kind: 'roll-back' as const, project: 'shop', target: 'db', absent: [] }
    const first = catalog.addIntent({ ...wayBack, snapshot: local('old'), safety: local('safe') })
    const second = catalog.addIntent({ ...wayBack, snapshot: local('only'), safety: undefined })
    catalog.abandonIntent(first)
    using other = openCatalog(state)
    using removal = other.takeForRemoval([local('old'), local('safe'), local('only'), local('free')])
    expect(removal.taken).toEqual([local('free')])
    other.dropIntent(first)
    expect(catalog.pinned()).toEqual([local('only')])
    catalog.dropIntent(second)
    expect(catalog.pinned()).toEqual([])
  })
})

describe('intents', () => {
  test('of a live owner are nobody else’s, once abandoned they are everybody’s, newest first', () => {
    using catalog = openCatalog(state)
    const first = catalog.addIntent(intent)
    const second = catalog.addIntent({ ...intent, how: 'unpause' })
    expect(catalog.claimOrphans()).toEqual([])
    catalog.abandonIntent(first)
    catalog.abandonIntent(second)
    using other = openCatalog(state)
    expect(other.claimOrphans().map(({ id }) => id)).toEqual([second, first])
    other.dropIntent(first)
    other.dropIntent(second)
    expect(catalog.claimOrphans()).toEqual([])
  })
})

describe('runs and schedules', () => {
  test('survive the process, one row a target, newest first, limited', () => {
    {
      using catalog = openCatalog(state)
      for (const day of [1, 2, 3]) {
        const id = `r${day}`
        catalog.startRun({ ...run, id, started: `2026-08-0${day}T02:00:00.000Z` })
        const finished = `2026-08-0${day}T02:01:00.000Z`
        catalog.finishRun(id, 'shop', 'db', { finished, outcome: day === 2 ? 'failed' : 'complete' })
      }
      catalog.saveSchedule('shop', 'db', { firstSeen: '2026-07-01T00:00:00.000Z' })
      catalog.saveSchedule('shop', 'db', { lastSlot: '2026-08-03T02:00:00.000Z' })
    }
    using catalog = openCatalog(state)
    const ids = (filter: Parameters<typeof catalog.runs>[0]) => catalog.runs(filter).map(({ id }) => id)
    expect(ids({ limit: 2 })).toEqual(['r3', 'r2'])
    expect(ids({ outcome: 'complete', limit: 2 })).toEqual(['r3', 'r1'])
    expect(ids({ target: 'other' })).toEqual([])
    expect(catalog.schedule('shop', 'db')).toEqual({
      firstSeen: '2026-07-01T00:00:00.000Z',
      lastSlot: '2026-08-03T02:00:00.000Z',
    })
  })

  test('a state directory that cannot be used is said so', () => {
    const file = join(state, 'file')
    writeFileSync(file, '')
    expect(() => openCatalog(file)).toThrow(`state directory ${file}`)
  })
})

describe('old runs', () => {
  const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString()
  const startOn = (catalog: Catalog, index: number, more: Partial<RunStart> = {}) =>
    catalog.startRun({ ...run, id: `r${index}`, started: day(index), ...more })
  const end = (catalog: Catalog, index: number, target = 'db') =>
    catalog.finishRun(`r${index}`, 'shop', target, { finished: day(index), outcome: 'complete' })
  const ids = (catalog: Catalog, filter: RunFilter) => catalog.runs({ limit: 999, ...filter }).map(({ id }) => id)

  test('beyond the newest 200 of their target and kind are removed when another one starts', () => {
    using catalog = openCatalog(state)
    startOn(catalog, 0, { target: 'other' })
    startOn(catalog, 0, { id: 'restore', kind: 'restore' })
    for (let index = 0; index <= 202; index++) {
      startOn(catalog, index)
      if (index !== 1) end(catalog, index)
    }
    const kept = ids(catalog, { project: 'shop', target: 'db', kind: 'backup' })
    expect(kept).toHaveLength(201)
    expect(kept[0]).toBe('r202')
    expect(kept.slice(-2), 'the run of the second day has not ended').toEqual(['r3', 'r1'])
    expect(ids(catalog, { target: 'other' })).toEqual(['r0'])
    expect(ids(catalog, { kind: 'restore' })).toEqual(['restore'])
  })

  test('of more than a year ago are removed, of whatever target, unless they are still going on', async () => {
    await withDyingOwner(() => {})
    using catalog = openCatalog(state)
    startOn(catalog, 1, { target: 'other' })
    end(catalog, 1, 'other')
    startOn(catalog, 2)
    startOn(catalog, 300)
    startOn(catalog, 600)
    expect(ids(catalog, {})).toEqual(['r600', 'r300', 'r2'])
  })
})

test('every question about runs that a pass, `status` and `logs` ask is answered by an index', () => {
  const asked = new Set<string>()
  const { prepare } = DatabaseSync.prototype
  const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (
    this: DatabaseSync,
    sql,
    ...more
  ) {
    if (/^\s*(SELECT|DELETE|UPDATE)\b.*\bruns\b/s.test(sql)) asked.add(sql)
    return prepare.call(this, sql, ...more)
  })
  try {
    using catalog = openCatalog(state)
    catalog.startRun(run)
    catalog.finishRun(run.id, 'shop', 'db', { finished: run.started, outcome: 'complete' })
    const wanted: RunFilter[] = [
      {},
      { project: 'shop', target: 'db' },
      { project: 'shop', target: 'db', kind: 'backup' },
    ]
    for (const filter of wanted) catalog.runs(filter)
    catalog.lastSnapshot('shop', 'db')
    catalog.untoldRuns('shop')
    catalog.unnoticedRuns('shop')
    catalog.targetsWithRuns()
  } finally {
    spy.mockRestore()
  }
  using database = new DatabaseSync(join(state, 'catalog.db'))
  const plans = [...asked].flatMap((sql) => database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all())
  const reads = plans.map(({ detail }) => String(detail)).filter((detail) => /^(SCAN|SEARCH) /.test(detail))
  expect(reads.length).toBeGreaterThan(8)
  expect(reads.filter((detail) => !/ USING ((COVERING )?INDEX|INTEGER PRIMARY KEY) /.test(detail))).toEqual([])
})

describe('the schema', () => {
  /** What programs made that knew no version of the schema. */
  const unversioned = `
    CREATE TABLE locks (key TEXT PRIMARY KEY, owner TEXT NOT NULL, run TEXT NOT NULL) STRICT;
    CREATE TABLE intents (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT, detail TEXT NOT NULL) STRICT;
    CREATE TABLE runs (id TEXT, owner TEXT NOT NULL, kind TEXT NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL,
      started TEXT NOT NULL, outcome TEXT, end TEXT, PRIMARY KEY (id, project, target)) STRICT;
    CREATE INDEX runs_by_target ON runs (project, target, started);
    CREATE TABLE schedules (project TEXT, target TEXT, state TEXT NOT NULL, PRIMARY KEY (project, target)) STRICT;
    PRAGMA journal_mode = WAL;
    INSERT INTO locks VALUES ('target:shop/db', 'dead', 'r1');
    INSERT INTO intents VALUES (7, NULL, '${JSON.stringify(intent)}');
    INSERT INTO runs VALUES ('r1', 'dead', 'backup', 'shop', 'db', '2026-08-01T02:00:00.000Z', 'complete',
      '{"finished":"2026-08-01T02:01:00.000Z","outcome":"complete","bytes":5}');
    INSERT INTO schedules VALUES ('shop', 'db', '{"lastSlot":"2026-08-01T02:00:00.000Z"}');`

  const sqlite = () => new DatabaseSync(join(state, 'catalog.db'))
  const version = () => {
    using database = sqlite()
    return database.prepare('PRAGMA user_version').get()?.user_version
  }

  test('of a program without versions is brought to today’s, with all that stands in it', () => {
    {
      using database = sqlite()
      database.exec(unversioned)
    }
    const { trigger: _, ...withoutTrigger } = run
    for (const opening of ['first', 'second']) {
      using catalog = openCatalog(state)
      expect(catalog.runs({ project: 'shop', target: 'db', kind: 'backup' }), opening).toEqual([
        { ...withoutTrigger, finished: '2026-08-01T02:01:00.000Z', outcome: 'complete', bytes: 5 },
      ])
      expect(catalog.untoldRuns(), 'nobody tells of runs from before').toEqual([])
      expect(catalog.schedule('shop', 'db')).toEqual({ lastSlot: '2026-08-01T02:00:00.000Z' })
      expect(catalog.manifests.read('archive:/backups')).toEqual(new Map())
      expect(catalog.claimOrphans()).toEqual([{ id: 7, intent }])
      using _lock = catalog.lock([targetLock('shop', 'db')], 'mine')
    }
    expect(version()).toBe(schemaVersion)
  })

  test('of a newer program is refused, and nothing of it is touched', () => {
    {
      using _catalog = openCatalog(state)
    }
    {
      using database = sqlite()
      database.exec('PRAGMA user_version = 99')
    }
    expect(() => openCatalog(state)).toThrow(
      expect.objectContaining({
        code: 'STATE_UNUSABLE',
        message: expect.stringContaining(`schema version 99, and this version of xnai-backup knows ${schemaVersion}`),
        hint: expect.stringContaining('newer xnai-backup'),
      }),
    )
    expect(version()).toBe(99)
    expect(readdirSync(join(state, 'owners')), 'the process that was refused left no liveness lock').toEqual([])
  })

  test('of a user who may not write there is refused in one sentence, with a way out', () => {
    let shown = ''
    try {
      asOrdinaryUser(() => openCatalog(state))
    } catch (error) {
      shown = renderError(error, { colour: false, timezone: 'UTC', width: Number.POSITIVE_INFINITY })
    }
    expect(shown.split('\n')).toEqual([
      `error: state directory ${state}: this user may not write there`,
      expect.stringMatching(/^hint: Run it as root\. .*podman unshare.*XNAI_BACKUP_STATE/),
      '',
    ])
  })

  test('is made once where many processes open a new state directory together', async () => {
    const script = `
      const { openCatalog } = await import(${JSON.stringify(catalogModule)})
      openCatalog(${JSON.stringify(state)})[Symbol.dispose]()`
    const codes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
        return (await once(child, 'exit'))[0]
      }),
    )
    expect(codes).toEqual([0, 0, 0, 0])
    expect(version()).toBe(schemaVersion)
  })
})

/** Runs `work`, which must not wait for anything, with the rights of the user nobody. */
function asOrdinaryUser<T>(work: () => T): T {
  process.seteuid?.('nobody')
  try {
    return work()
  } finally {
    process.seteuid?.(0)
  }
}
