import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openArchive } from '../../src/repository/archive.ts'
import { rememberingDamage } from '../../src/repository/remember-damage.ts'
import type { Repository, Snapshot } from '../../src/repository/repository.ts'
import { codeOf, metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'

let folder: string
let backups: string
let catalog: Catalog
let repository: Repository
let snapshot: Snapshot
const logged: unknown[] = []
const log = pino({}, { write: (line) => void logged.push(JSON.parse(line)) })

beforeEach(async () => {
  logged.length = 0
  folder = mkdtempSync(join(tmpdir(), 'remember-damage-'))
  backups = join(folder, 'backups')
  for (const path of [backups, join(folder, 'tree')]) mkdirSync(path)
  writeFileSync(join(folder, 'tree', 'word'), 'one')
  catalog = openCatalog(join(folder, 'state'))
  repository = rememberingDamage(openArchive(backups), catalog.damage, { clock: systemClock, log })
  snapshot = await put(
    repository,
    metaOf('one'),
    streamOf('dump', 'all the keys'),
    treeOf('data', join(folder, 'tree')),
  )
  await put(repository, metaOf('two'), streamOf('dump', 'all the keys'))
})

afterEach(() => {
  catalog[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

const file = (id: string, name = '') => join(backups, 'shop/redis', id, name)
const known = () => catalog.damage.read(repository.url).map(({ id, depth }) => `${id} by ${depth}`)
const listed = async () => (await repository.list(never)).map(({ id, damaged }) => (damaged ? `${id}, damaged` : id))
const check = async (readData = false) => (await Array.fromAsync(repository.check({ readData, signal: never }))).length

/** Changes a byte and leaves the length as it is. Answers how to mend it. */
function flip(path: string): () => void {
  const bytes = readFileSync(path)
  writeFileSync(path, Buffer.from(bytes).fill(~(bytes[8] as number) & 255, 8, 9))
  return () => writeFileSync(path, bytes)
}

describe('damage that was found by', () => {
  test('a check of every byte is listed after a check of lengths too, until every byte is right', async () => {
    const mend = flip(file('one', 'dump.zst'))
    expect(await check(true)).toBe(1)
    expect(await listed()).toEqual(['one, damaged', 'two'])
    expect((await repository.list(never))[0]?.damaged).toMatchObject({
      ...{ id: 'one', project: 'shop', target: 'redis', depth: 'bytes' },
      files: [{ file: 'shop/redis/one/dump.zst', reason: 'has another SHA-256 than when it was written' }],
    })
    expect(await check()).toBe(0)
    expect(known()).toEqual(['one by bytes'])
    mend()
    expect(await check(true)).toBe(0)
    expect(await listed()).toEqual(['one', 'two'])
  })

  test('a check of lengths is forgotten by the next one that finds them right', async () => {
    const bytes = readFileSync(file('one', 'dump.zst'))
    truncateSync(file('one', 'dump.zst'), 5)
    expect(await check()).toBe(1)
    expect(known()).toEqual(['one by sizes'])
    writeFileSync(file('one', 'dump.zst'), bytes)
    expect(await check()).toBe(0)
    expect(await listed()).toEqual(['one', 'two'])
  })

  test('a read-back is remembered, and forgotten by the next one', async () => {
    const mend = flip(file('one', 'dump.zst'))
    await repository.verify(snapshot, never)
    expect(known()).toEqual(['one by bytes'])
    mend()
    await repository.verify(snapshot, never)
    expect(known()).toEqual([])
  })

  test('a look into a tree is remembered', async () => {
    truncateSync(file('one', 'data.tar.zst'), 5)
    const names = Array.fromAsync(repository.listTree(snapshot, 'data', never))
    expect(await codeOf(names)).toBe('SNAPSHOT_DAMAGED')
    expect(known()).toEqual(['one by bytes'])
  })

  test('a listing that cannot read a description is remembered, and forgotten by the next one', async () => {
    const mend = flip(file('one', 'manifest.json'))
    expect(await listed()).toEqual(['two'])
    const [entry] = catalog.damage.read(repository.url)
    expect(entry).toMatchObject({ id: 'one', depth: 'manifest', files: [{ file: 'shop/redis/one/manifest.json' }] })
    expect(await listed()).toEqual(['two'])
    expect(catalog.damage.read(repository.url)).toEqual([entry])
    mend()
    expect(await listed()).toEqual(['one', 'two'])
    expect(known()).toEqual([])
  })
})

describe('known damage', () => {
  test('goes with the snapshot at the next listing, whoever removed it', async () => {
    for (const id of ['one', 'two']) flip(file(id, 'dump.zst'))
    await check(true)
    rmSync(file('one'), { recursive: true })
    await repository.remove(['two'], never)
    expect(await listed()).toEqual([])
    expect(known()).toEqual([])
  })

  test('is in the catalog for every later process, and belongs to one repository', async () => {
    flip(file('one', 'dump.zst'))
    await check(true)
    using other = openCatalog(join(folder, 'state'))
    expect(other.damage.read(repository.url)).toEqual(catalog.damage.read(repository.url))
    expect(other.damage.read('archive:/elsewhere')).toEqual([])
  })

  test('is not forgotten by a check that did not come to its end', async () => {
    flip(file('one', 'dump.zst'))
    await check(true)
    rmSync(file('one', 'dump.zst'))
    cpSync(file('two', 'dump.zst'), file('one', 'dump.zst'))
    flip(file('two', 'manifest.json'))
    for await (const damage of repository.check({ readData: true, signal: never })) {
      expect(damage.id).toBe('two')
      break
    }
    expect(known()).toEqual(['one by bytes', 'two by bytes'])
  })

  test('of a copied folder is not that of the snapshot', async () => {
    cpSync(file('one'), join(backups, 'shop/redis-copy/one'), { recursive: true })
    expect(await check(true)).toBe(1)
    expect(await listed()).toEqual(['one', 'two'])
    expect(catalog.damage.read(repository.url)).toMatchObject([{ id: 'one', target: 'redis-copy' }])
  })

  test('that cannot be written is answered all the same, and logged', async () => {
    flip(file('one', 'dump.zst'))
    const change = () => {
      throw new Error('database or disk is full')
    }
    const deaf = rememberingDamage(openArchive(backups), { ...catalog.damage, change }, { clock: systemClock, log })
    expect(await deaf.verify(snapshot, never)).toHaveLength(1)
    expect(logged).toMatchObject([{ cause: 'database or disk is full', damages: [{ id: 'one' }] }])
  })
})
