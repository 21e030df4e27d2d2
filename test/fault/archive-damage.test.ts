import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openArchive } from '../../src/repository/archive.ts'
import type { Repository, Snapshot } from '../../src/repository/repository.ts'
import { codeOf, metaOf, never, put, streamOf, treeOf } from '../contract/repository.ts'

const files = ['manifest.json', 'SHA256SUMS', 'data.tar.zst', 'dump.zst'] as const

let folder: string
let good: string
let dir: string
let repository: Repository
let snapshot: Snapshot
let other: Snapshot
const at = (file: string, id = 'one') => join(dir, 'shop/redis', id, file)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damage-'))
  good = join(folder, 'good')
  mkdirSync(join(folder, 'source'), { recursive: true })
  mkdirSync(good)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'source', name), name.repeat(5000))
  const archive = openArchive(good)
  const tree = treeOf('data', join(folder, 'source'))
  snapshot = await put(archive, metaOf('one'), tree, streamOf('dump', 'all the keys'))
  other = await put(
    archive,
    metaOf('two', { time: '2026-08-02T02:00:00.000Z' }),
    tree,
    streamOf('dump', 'ALL THE KEYS'),
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  dir = join(folder, 'copy')
  rmSync(dir, { recursive: true, force: true })
  cpSync(good, dir, { recursive: true, preserveTimestamps: true })
  repository = openArchive(dir)
})

const named = async (readData = true) =>
  (await Array.fromAsync(repository.check({ readData, signal: never }))).map(({ id, file }) => `${id} ${file}`)

/** `check` names the snapshot and the file, `verify` refuses the snapshot, and the other one stays good. */
async function expectFound(file: string): Promise<void> {
  expect(await named()).toEqual([`one shop/redis/one/${file}`])
  const [damage] = await repository.verify(snapshot, never)
  expect(damage).toMatchObject({
    id: 'one',
    target: 'redis',
    file: `shop/redis/one/${file}`,
    reason: expect.stringMatching(/.../),
  })
  expect(await repository.verify(other, never)).toEqual([])
  expect((await repository.list(never)).map(({ id }) => id)).toContain('two')
}

test('the whole repository is whole, and sha256sum and tar agree', async () => {
  expect(await named()).toEqual([])
  const check = execFileSync('sha256sum', ['-c', '--strict', 'SHA256SUMS'], { cwd: at(''), encoding: 'utf8' })
  expect(check.trim().split('\n')).toEqual(['manifest.json: OK', 'data.tar.zst: OK', 'dump.zst: OK'])
  const listing = execFileSync('tar', ['--zstd', '-tf', at('data.tar.zst')], { encoding: 'utf8' })
  expect(listing).toBe('./\na\nb\nc\n')
})

describe.each(files)('%s', (file) => {
  test('a flipped bit anywhere is found', async () => {
    const bytes = readFileSync(at(file))
    const step = Math.max(1, Math.floor(bytes.length / 40))
    for (let place = 0; place < bytes.length; place += step) {
      const flipped = Buffer.from(bytes)
      flipped[place] = (flipped[place] as number) ^ (1 << (place % 8))
      writeFileSync(at(file), flipped)
      const found = await named()
      // The sums hold the manifest's; where the two disagree, the manifest is named.
      const expected =
        file === 'SHA256SUMS' ? /^one shop\/redis\/one\/(SHA256SUMS|manifest\.json)$/ : `one shop/redis/one/${file}`
      expect(found, `bit at ${place}`).toEqual([
        typeof expected === 'string' ? expected : expect.stringMatching(expected),
      ])
      expect(await repository.verify(snapshot, never)).not.toEqual([])
    }
    expect(await repository.verify(other, never)).toEqual([])
  })

  test('a cut is found', async () => {
    truncateSync(at(file), statSync(at(file)).size - 1)
    if (file === 'SHA256SUMS') expect(await named()).toHaveLength(1)
    else await expectFound(file)
    truncateSync(at(file), 0)
    expect(await named()).toHaveLength(1)
  })

  test('a missing file is found', async () => {
    rmSync(at(file))
    await expectFound(file)
  })
})

describe('also found', () => {
  test.each(files)('%s swapped with that of another snapshot', async (file) => {
    renameSync(at(file), join(folder, 'swap'))
    renameSync(at(file, 'two'), at(file))
    renameSync(join(folder, 'swap'), at(file, 'two'))
    const found = await named()
    const isTwin = file === 'data.tar.zst' && found.length === 0
    expect(isTwin || new Set(found.map((text) => text.slice(0, 3))).size === 2).toBe(true)
  })

  test('two artifacts swapped', async () => {
    renameSync(at('data.tar.zst'), join(folder, 'swap'))
    renameSync(at('dump.zst'), at('data.tar.zst'))
    renameSync(join(folder, 'swap'), at('dump.zst'))
    expect(await named()).toEqual(['one shop/redis/one/data.tar.zst', 'one shop/redis/one/dump.zst'])
  })

  test('two snapshots whose folders were swapped, and one that was moved to another target', async () => {
    renameSync(at(''), join(dir, 'swap'))
    renameSync(at('', 'two'), at(''))
    renameSync(join(dir, 'swap'), at('', 'two'))
    expect(await named()).toEqual(['one shop/redis/one/manifest.json', 'two shop/redis/two/manifest.json'])
    expect(await repository.list(never)).toEqual([])
  })

  test('nothing in folders of others that lie at the place of a snapshot, and removes none of them', async () => {
    const web = join(dir, 'look/app/www')
    mkdirSync(web, { recursive: true })
    writeFileSync(join(web, 'manifest.json'), '{"name":"shop","icons":[]}')
    writeFileSync(join(web, 'SHA256SUMS'), `${'0'.repeat(64)}  setup.exe\n`)
    mkdirSync(join(dir, 'look/app/data'))
    expect(await named()).toEqual([])
    await repository.remove(['www', 'data'], never)
    await repository.sweep(never)
    expect(readdirSync(join(dir, 'look/app'))).toEqual(['data', 'www'])
  })

  test('a folder of the name of a snapshot without one, and a file that is no part of one', async () => {
    const id = '20260801T020000Z-1a2b3c'
    mkdirSync(join(dir, 'shop/redis', id))
    writeFileSync(at('core'), 'x')
    expect(await named()).toEqual([`${id} shop/redis/${id}/manifest.json`, 'one shop/redis/one/core'])
    expect((await repository.list(never)).map(({ id }) => id)).toEqual(['one', 'two'])
  })

  const manifests: [what: string, change: [from: string, to: string], reason: string][] = [
    ['of a later version', ['"format": 2', '"format": 4'], 'has format 4; this version of xnai-backup reads 2 and 3'],
    [
      'that excludes by a pattern that is no plain glob',
      ['"exclude": []', '"exclude": ["*(a|b)"]'],
      'artifacts.0.exclude.0: the pattern *(a|b) must not hold ( ) or |',
    ],
  ]
  test.each(manifests)('a manifest %s, with the reason', async (_, [from, to], reason) => {
    const text = readFileSync(at('manifest.json'), 'utf8')
    expect(text).toContain(from)
    writeFileSync(at('manifest.json'), text.replace(from, to))
    const sums = execFileSync('sha256sum', ['manifest.json', 'data.tar.zst', 'dump.zst'], {
      cwd: at(''),
      encoding: 'utf8',
    })
    writeFileSync(at('SHA256SUMS'), sums)
    const [damage] = await repository.verify(snapshot, never)
    expect(damage?.reason).toContain(reason)
  })

  test('wrong lengths without reading the data; a flipped bit only with', async () => {
    const bytes = readFileSync(at('dump.zst'))
    appendFileSync(at('dump.zst'), 'x')
    expect(await named(false)).toEqual(['one shop/redis/one/dump.zst'])
    bytes[10] = (bytes[10] as number) ^ 1
    writeFileSync(at('dump.zst'), bytes)
    expect(await named(false)).toEqual([])
    expect(await named(true)).toEqual(['one shop/redis/one/dump.zst'])
  })
})

describe('reading back, without a check before, never ends cleanly', () => {
  const damages: [string, (path: string) => void][] = [
    // Some bits of a compressed block mean nothing; those of the frame's checksum always do.
    ['a flipped bit', (path) => flip(path, statSync(path).size - 2)],
    ['a cut', (path) => truncateSync(path, statSync(path).size - 5)],
    ['an empty file', (path) => truncateSync(path, 0)],
    ['a missing file', (path) => rmSync(path)],
    ['a second frame', (path) => appendFileSync(path, readFileSync(path))],
    [
      'other content, well compressed',
      (path) => writeFileSync(path, execFileSync('zstd', ['-c'], { input: 'all the keyz' })),
    ],
    [
      'content cut before it was compressed',
      (path) => repack(path, (plain) => plain.subarray(0, Math.floor(plain.length / 1024) * 512)),
    ],
  ]
  test.each(damages)('%s', async (_case, damage) => {
    damage(at('dump.zst'))
    damage(at('data.tar.zst'))
    expect(await codeOf(repository.open(snapshot, 'dump', never).then(buffer))).toBe('SNAPSHOT_DAMAGED')
    const to = mkdtempSync(join(folder, 'to-'))
    expect(await codeOf(repository.extract(snapshot, 'data', to, { signal: never }))).toBe('SNAPSHOT_DAMAGED')
  })
})

function flip(path: string, place: number): void {
  const bytes = readFileSync(path)
  bytes[place] = (bytes[place] as number) ^ 1
  writeFileSync(path, bytes)
}

function repack(path: string, change: (plain: Buffer) => Buffer): void {
  const plain = execFileSync('zstd', ['-d', '-c', path])
  writeFileSync(path, execFileSync('zstd', ['-c'], { input: change(plain) }))
}

test('nothing is left in the folder of work in progress', () => {
  expect(readdirSync(join(good, '.incoming'))).toEqual([])
})
