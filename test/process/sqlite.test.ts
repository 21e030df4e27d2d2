import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ContainerFacts, Mount } from '../../src/engine/engine.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { CaptureContext, RestoreContext, StoredSnapshot } from '../../src/methods/method.ts'
import * as sqlite from '../../src/methods/sqlite/work.ts'
import type { Facts } from '../../src/repository/repository.ts'
import { plainSpec } from '../support/method-context.ts'

const spec = plainSpec('sqlite', {})
let folder: string
let left: DatabaseSync[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xnai-test-'))
  left = []
  process.env.TMPDIR = await mkdtemp(join(folder, 'tmp-'))
})
afterEach(async () => {
  delete process.env.TMPDIR
  for (const database of left) if (database.isOpen) database.close()
  await rm(folder, { recursive: true })
})

/** An application's connection to FOLDER/NAME, open until the test ends. */
function open(name: string, sql: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, name), { enableForeignKeyConstraints: false, defensive: false })
  left.push(database)
  database.exec(sql)
  return database
}

/** A service whose paths are those of this machine. */
function world(paths: string[], { state = 'running', mounts = [] as Mount[] } = {}) {
  const facts: Facts = {}
  const warnings: string[] = []
  const notes: Record<string, string>[] = []
  const never = () => Promise.reject(new Error('not for this method'))
  const ctx: CaptureContext & RestoreContext = {
    container: { name: 'app', state, mounts } as unknown as ContainerFacts,
    paths: paths.map((path) => join(folder, path)),
    signal: new AbortController().signal,
    clock: systemClock,
    exec: never,
    execStream: never,
    connect: never,
    hostPath: (path) => path,
    treeRoot: (path) => path,
    recordUndo: (detail) => {
      notes.push(detail)
      return { [Symbol.dispose]: () => void notes.splice(notes.indexOf(detail), 1) }
    },
    noteForRollBack: () => {},
    warn: (text) => void warnings.push(text),
    fact: (name, value) => void Object.assign(facts, { [name]: value }),
    service: { stop: async () => {}, start: async () => {}, state: async () => 'stopped' },
  }
  const capture = async (): Promise<StoredSnapshot> => {
    const contents = new Map<string, Buffer>()
    for await (const artifact of sqlite.capture(ctx)) {
      if (artifact.kind === 'stream') contents.set(artifact.name, await buffer(await artifact.open(ctx.signal)))
    }
    const artifacts = [...contents].map(([name, { length }]) => {
      return { kind: 'stream' as const, name, bytes: length, sha256: '', stored: undefined }
    })
    const stream = async (name: string) => Readable.from([contents.get(name)])
    return { id: 'one', facts, artifacts, open: stream, extract: never, proveTree: never }
  }
  return { ctx, facts, warnings, notes, capture }
}

const leftovers = () => readdirSync(tmpdir())
/** What lies in the folder beside the temporary one. */
const entries = () => readdirSync(folder).filter((name) => !name.startsWith('tmp-'))
const numbers = (path: string): number[] => {
  const database = new DatabaseSync(path)
  const rows = database.prepare('SELECT n FROM t ORDER BY n').all()
  database.close()
  return rows.map(({ n }) => Number(n))
}

describe('capture', () => {
  test('takes what is only in the log, and leaves the application its log and its locks', async () => {
    const app = open(
      'a.db',
      'PRAGMA journal_mode=WAL; CREATE TABLE t(n); INSERT INTO t VALUES (1), (2); BEGIN; INSERT INTO t VALUES (3)',
    )
    const { facts, capture, notes } = world(['a.db'])
    const snapshot = await capture()
    writeFileSync(join(folder, 'copy.db'), await buffer(await snapshot.open('a.db')))
    expect(numbers(join(folder, 'copy.db'))).toEqual([1, 2])
    expect(facts).toMatchObject({ paths: { 'a.db': join(folder, 'a.db') }, 'a.db rows': { t: 2 } })
    expect(existsSync(join(folder, 'a.db-wal'))).toBe(true)
    app.exec('COMMIT')
    expect(numbers(join(folder, 'a.db'))).toEqual([1, 2, 3])
    expect([notes, leftovers()]).toEqual([[], []])
  })

  test('makes no file that is not the owner’s, in a folder closed to the owner by those above it', async () => {
    const home = join(folder, 'closed', 'data')
    mkdirSync(home, { recursive: true, mode: 0o700 })
    chownSync(home, 4711, 4712)
    open('closed/data/a.db', 'PRAGMA journal_mode=WAL; CREATE TABLE t(n)').close()
    chownSync(join(home, 'a.db'), 4711, 4712)
    const { facts, capture } = world(['closed/data/a.db'])
    await capture()
    expect(facts['a.db owner']).toEqual({ uid: 4711, gid: 4712, mode: 0o644 })
    expect(readdirSync(home)).toEqual(['a.db'])
  })

  test('gives two databases of one name two artifacts', async () => {
    mkdirSync(join(folder, 'sub'))
    for (const name of ['a.db', 'sub/a.db']) open(name, 'CREATE TABLE t(n)')
    expect((await world(['a.db', 'sub/a.db']).capture()).artifacts.map(({ name }) => name)).toEqual(['a.db', '2-a.db'])
  })

  const foreign: [what: string, made: string, own: [from: string, to: string], unchecked: string][] = [
    ['a collation', 'CREATE TABLE t(n TEXT COLLATE NOCASE); CREATE INDEX i ON t(n)', ['NOCASE', 'ICU'], 't'],
    ['a function', 'CREATE TABLE t(n); CREATE INDEX i ON t(lower(n))', ['lower', 'plain'], 't'],
    ['a tokenizer of FTS5', 'CREATE VIRTUAL TABLE t USING fts5(n, tokenize = unicode61)', ['unicode61', 'own'], 't'],
    ['a tokenizer of FTS4', 'CREATE VIRTUAL TABLE t USING fts4(n, tokenize=porter)', ['porter', 'collating'], 't'],
    ['a module', 'CREATE VIRTUAL TABLE t USING fts5(n)', ['fts5', 'spellfix1'], 't'],
  ]
  test.each(foreign)(
    'a table that needs %s of the application is named, and the others are checked',
    async (_, ...row) => {
      const [made, [from, to], unchecked] = row
      const edit = `PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}')`
      open('a.db', `${made}; INSERT INTO t(n) VALUES ('a'); CREATE TABLE u(n); ${edit}`).close()
      const { facts, warnings, capture } = world(['a.db'])
      await capture()
      expect(warnings).toEqual([expect.stringContaining(`a.db: ${unchecked} need collations`)])
      expect(facts['a.db rows']).toMatchObject({ u: 0 })
    },
  )

  test('damage is found beside a table that only the application can check, and in a search index whose parts are gone', async () => {
    const own = `CREATE VIRTUAL TABLE f USING fts5(n, tokenize = unicode61); PRAGMA writable_schema=ON;
      UPDATE sqlite_schema SET sql = replace(sql, 'unicode61', 'own') WHERE name = 'f'`
    damage(join(folder, 'a.db'), own)
    await expect(world(['a.db']).capture()).rejects.toMatchObject({
      message: expect.stringMatching(/damaged|malformed/),
    })
    const lost = `CREATE VIRTUAL TABLE f USING fts5(n); PRAGMA writable_schema=ON;
      DELETE FROM sqlite_schema WHERE name = 'f_config'`
    open('b.db', lost).close()
    await expect(world(['b.db']).capture()).rejects.toMatchObject({ code: 'DUMP_FAILED' })
  })

  const bad: [what: string, make: (path: string) => void, code: string, message: RegExp, hint: RegExp][] = [
    ['is missing', () => {}, 'DUMP_FAILED', /does not exist/, /xnai.backup.paths/],
    ['is empty', (path) => writeFileSync(path, ''), 'DUMP_FAILED', /is empty/, /paths/],
    ['is text', (path) => writeFileSync(path, 'x'.repeat(9000)), 'DUMP_FAILED', /not a database/, /encrypted/],
    ['is a folder', (path) => mkdirSync(path), 'DUMP_FAILED', /is no file/, /paths/],
    ['is a symbolic link', (path) => symlinkSync('/etc/passwd', path), 'DUMP_FAILED', /is no file/, /symbolic link/],
    ['has a damaged page', (path) => damage(path), 'DUMP_FAILED', /damaged|malformed/, /last good/],
  ]
  test.each(bad)('a database that %s is an error', async (_, make, code, message, hint) => {
    make(join(folder, 'a.db'))
    const error = { code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) }
    await expect(world(['a.db']).capture()).rejects.toMatchObject(error)
    expect(leftovers()).toEqual([])
  })

  test('a log that lies in the running container alone is an error', async () => {
    open('a.db', 'PRAGMA journal_mode=WAL; CREATE TABLE t(n)')
    const path = join(folder, 'a.db')
    const mounts: Mount[] = [{ kind: 'bind', source: path, destination: path, writable: true }]
    const { capture } = world(['a.db'], { mounts })
    await expect(capture()).rejects.toMatchObject({ message: expect.stringContaining('container alone') })
    await expect(world(['a.db'], { mounts, state: 'stopped' }).capture()).resolves.toMatchObject({ id: 'one' })
  })
})

/** Index entries that no row has. */
function damage(path: string, more = ''): void {
  open(basename(path), `CREATE TABLE t(n); CREATE INDEX i ON t(n); ${more}`).close()
  const app = open(
    basename(path),
    'WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM c WHERE n<5000) INSERT INTO t SELECT n FROM c',
  )
  const page = app.prepare("SELECT rootpage p FROM sqlite_schema WHERE name='i'").get()?.p
  app.close()
  const bytes = readFileSync(path)
  bytes.fill(0x5a, Number(page) * 4096 - 200, Number(page) * 4096 - 100)
  writeFileSync(path, bytes)
}

describe('restore', () => {
  test('the database of then, without the log of now, with owner and mode of the file that is there', async () => {
    open('a.db', 'PRAGMA journal_mode=WAL; CREATE TABLE t(n); INSERT INTO t VALUES (1)')
    const { ctx, capture } = world(['a.db'])
    const snapshot = await capture()
    const path = join(folder, 'a.db')
    left[0]?.exec('INSERT INTO t VALUES (2)')
    const log = readFileSync(`${path}-wal`)
    left[0]?.close()
    writeFileSync(`${path}-wal`, log)
    writeFileSync(join(folder, '.a.db.xnai-restore-00000000'), 'of a killed one')
    chownSync(path, 4711, 4712)
    const checks = await sqlite.restore(ctx, spec, snapshot)
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.map(({ name }) => basename(name))).toContain('a.db integrity_check')
    expect(entries()).toEqual(['a.db'])
    expect(statSync(path)).toMatchObject({ uid: 4711, gid: 4712 })
    expect(numbers(path)).toEqual([1])
  })

  test('where file and folder are gone, with the owner of then', async () => {
    mkdirSync(join(folder, 'sub'))
    open('sub/a.db', 'CREATE TABLE t(n); INSERT INTO t VALUES (1)').close()
    chownSync(join(folder, 'sub/a.db'), 4711, 4712)
    const { ctx, capture } = world(['sub/a.db'])
    const snapshot = await capture()
    rmSync(join(folder, 'sub'), { recursive: true })
    await sqlite.preflight?.(ctx, spec, snapshot)
    expect((await sqlite.restore(ctx, spec, snapshot)).every(({ ok }) => ok)).toBe(true)
    expect(statSync(join(folder, 'sub'))).toMatchObject({ uid: 4711, gid: 4712 })
    expect(statSync(join(folder, 'sub/a.db'))).toMatchObject({ uid: 4711, gid: 4712 })
  })

  test('a file that is mounted by itself keeps its inode', async () => {
    const path = join(folder, 'a.db')
    open('a.db', 'CREATE TABLE t(n); INSERT INTO t VALUES (1)')
    const { ctx, capture } = world(['a.db'], {
      mounts: [{ kind: 'bind', source: path, destination: path, writable: true }],
    })
    const snapshot = await capture()
    left[0]?.exec(
      'WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM c WHERE n<9000) INSERT INTO t SELECT n FROM c',
    )
    left[0]?.close()
    const { ino } = statSync(path)
    expect((await sqlite.restore(ctx, spec, snapshot)).every(({ ok }) => ok)).toBe(true)
    expect(statSync(path).ino).toBe(ino)
    expect(numbers(path)).toEqual([1])
  })

  test('a file that is not what was captured fails the proof by name', async () => {
    open('a.db', 'CREATE TABLE t(n); INSERT INTO t VALUES (1)').close()
    const { ctx, capture } = world(['a.db'])
    const snapshot = await capture()
    open('b.db', 'CREATE TABLE t(n); INSERT INTO t VALUES (1), (2)').close()
    const other = { ...snapshot, open: async () => Readable.from([readFileSync(join(folder, 'b.db'))]) }
    const failed = (await sqlite.restore(ctx, spec, other)).filter(({ ok }) => !ok)
    expect(failed).toMatchObject([
      { expected: '1 in 1 tables', actual: '2 in 1 tables' },
      { name: expect.stringMatching(/a\.db rows of t$/), expected: '1', actual: '2' },
    ])
  })

  test('what a killed capture left is removed, and nothing else', async () => {
    const { ctx } = world([])
    const left = await mkdtemp(join(tmpdir(), 'xnai-backup-sqlite-'))
    writeFileSync(join(left, 'copy'), 'of a killed one')
    await sqlite.undo?.(ctx, spec, { folder: left })
    await sqlite.undo?.(ctx, spec, { folder })
    expect([existsSync(left), existsSync(folder)]).toEqual([false, true])
  })
})
