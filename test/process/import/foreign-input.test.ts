import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { openInput } from '../../../src/job/restore/foreign-input.ts'
import { findForeign } from '../../../src/methods/shared/foreign.ts'
import { makeMemoryFolder } from '../../support/memory-folder.ts'

const { signal } = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'foreign-'))
const catalog = openCatalog(join(folder, 'state'))
const open = (name: string, ownPath = (path: string): string | undefined => path) =>
  openInput({ ownPath, catalog }, name, signal)
const names = ({ entries }: Awaited<ReturnType<typeof open>>) => entries.map(({ name }) => name)

const createEmpty = (many: string, count: number) => closeSync(openSync(join(many, String(count)), 'w'))

beforeAll(() => {
  mkdirSync(join(folder, 'day/faiss_index'), { recursive: true })
  writeFileSync(join(folder, 'day/dump.rdb'), 'REDIS')
  writeFileSync(join(folder, 'day/faiss_index/index.faiss'), 'IxF2')
  execFileSync('tar', ['-C', join(folder, 'day'), '-czf', join(folder, 'day/configs.tgz'), 'dump.rdb'])
  execFileSync('tar', ['-C', join(folder, 'day'), '--zstd', '-cf', join(folder, 'day.tar.zst'), '.'])
})
afterAll(() => {
  catalog[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

describe('what --from names', () => {
  test('a file is itself', async () => {
    await using input = await open(join(folder, 'day/dump.rdb'))
    expect(input.entries).toEqual([{ path: join(folder, 'day/dump.rdb'), name: 'dump.rdb', isDirectory: false }])
  })

  test('a folder is itself and all below it', async () => {
    await using input = await open(join(folder, 'day'))
    expect(names(input)[0]).toBe('day')
    expect(names(input).toSorted()).toEqual([
      'configs.tgz',
      'day',
      'dump.rdb',
      'dump.rdb',
      'faiss_index',
      'index.faiss',
    ])
  })

  test('a folder of 130,000 files is listed', async () => {
    const place = makeMemoryFolder('many')
    onTestFinished(() => rmSync(place, { recursive: true }))
    const many = join(place, 'files')
    mkdirSync(many)
    for (let count = 0; count < 130_000; count += 1) createEmpty(many, count)
    await using input = await open(place)
    expect(input.entries).toHaveLength(130_002)
  })

  test('an archive is what it holds, archives in it too, and nothing of it stays', async () => {
    let scratch = ''
    {
      await using input = await open(join(folder, 'day.tar.zst'))
      const inner = input.entries.filter(({ name }) => name === 'dump.rdb')
      expect(inner.map(({ path }) => readFileSync(path, 'utf8'))).toEqual(['REDIS', 'REDIS'])
      scratch = dirname(dirname(inner[0]?.path ?? ''))
      expect(existsSync(scratch)).toBe(true)
    }
    expect(existsSync(scratch)).toBe(false)
  })

  test('a path of the host is found where the controller sees it', async () => {
    await using input = await open('/srv/old/dump.rdb', (path) => path.replace('/srv/old', join(folder, 'day')))
    expect(input.entries[0]?.path).toBe(join(folder, 'day/dump.rdb'))
  })

  test('a link is followed on the host and keeps its name', async () => {
    symlinkSync('/srv/old/dump.rdb', join(folder, 'day/latest.rdb'))
    await using input = await open('/srv/old/latest.rdb', (path) => path.replace('/srv/old', join(folder, 'day')))
    expect(input.entries).toEqual([{ path: join(folder, 'day/dump.rdb'), name: 'latest.rdb', isDirectory: false }])
    rmSync(join(folder, 'day/latest.rdb'))
  })

  test('a path that is not there is wrong usage', async () => {
    await expect(open('/nowhere/dump.rdb')).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('an archive that was cut is an error, and nothing of it stays', async () => {
    const path = join(folder, 'cut.tar.gz')
    writeFileSync(path, readFileSync(join(folder, 'day/configs.tgz')).subarray(0, 60))
    await expect(open(path)).rejects.toMatchObject({ code: 'TOOL_FAILED' })
  })
})

test('one file must fit: none and several are refused by name', async () => {
  await using input = await open(join(folder, 'day'))
  const find = (name: string) => findForeign(input, `a ${name}`, (entry) => entry.name === name)
  expect(find('index.faiss').path).toBe(join(folder, 'day/faiss_index/index.faiss'))
  expect(() => find('iam.db')).toThrow(/should hold a iam\.db, and holds none, only day, /)
  expect(() => find('dump.rdb')).toThrow(/holds 2 of them: dump\.rdb, dump\.rdb/)
})
