import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openArchive } from '../../src/repository/archive.ts'
import type { ManifestCache } from '../../src/repository/manifest-cache.ts'
import type { Repository, Snapshot } from '../../src/repository/repository.ts'
import { metaOf, never, put, streamOf } from '../contract/repository.ts'

let folder: string
let backups: string
let url: string
let catalog: Catalog
let repository: Repository

/** The files were written this moment, and a cache takes only files that have not changed for a while. */
const later = { now: () => new Date(systemClock.now().getTime() + 60_000) }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'manifest-cache-'))
  backups = join(folder, 'backups')
  url = `archive:${backups}`
  mkdirSync(backups)
  catalog = openCatalog(join(folder, 'state'))
  repository = openArchive(backups, { manifests: catalog.manifests, clock: later })
  for (const id of ['s1', 's2']) await put(repository, metaOf(id), streamOf('dump', id))
})

afterEach(() => {
  catalog[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

const file = (id: string, name = '') => join(backups, 'shop/redis', id, name)
const listed = async () => (await repository.list(never)).map(({ id }) => id)
const remembered = () => [...catalog.manifests.read(url).keys()].sort()

/** Makes the cache tell another story than the files, so that a listing shows which of the two it came from. */
function mark(id: string): void {
  const entry = catalog.manifests.read(url).get(`shop/redis/${id}`)
  if (!entry) throw new Error(`${id} is not in the cache`)
  const snapshot: Snapshot = { ...entry.snapshot, warnings: ['from the cache'] }
  catalog.manifests.update(url, { entries: [{ ...entry, snapshot }], gone: [] })
}

const warningsOf = async (id: string) => (await repository.list(never)).find((one) => one.id === id)?.warnings

describe('a listing', () => {
  test('answers the same from the cache as from the files, and from the cache as long as the files are the same', async () => {
    const fromFiles = await openArchive(backups).list(never)
    expect(await repository.list(never)).toEqual(fromFiles)
    expect(remembered()).toEqual(['shop/redis/s1', 'shop/redis/s2'])
    expect(await repository.list(never)).toEqual(fromFiles)
    mark('s1')
    expect(await warningsOf('s1')).toEqual(['from the cache'])
  })

  test('survives in the catalog, and belongs to one repository', async () => {
    await listed()
    mark('s2')
    using other = openCatalog(join(folder, 'state'))
    expect(other.manifests.read(url).get('shop/redis/s2')?.snapshot.warnings).toEqual(['from the cache'])
    expect(other.manifests.read('archive:/elsewhere')).toEqual(new Map())
  })

  test.each(['manifest.json', 'SHA256SUMS'])(
    'leaves out a snapshot whose %s was damaged since, even with length and time as before',
    async (name) => {
      await listed()
      const text = readFileSync(file('s1', name), 'utf8')
      writeFileSync(file('s1', name), `x${text.slice(1)}`)
      utimesSync(file('s1', name), new Date(0), new Date(0))
      expect(await listed()).toEqual(['s2'])
      expect(remembered()).toEqual(['shop/redis/s2'])
      writeFileSync(file('s1', name), text)
      expect(await listed()).toEqual(['s1', 's2'])
    },
  )

  test('never remembers a damaged manifest', async () => {
    appendFileSync(file('s1', 'manifest.json'), ' ')
    expect(await listed()).toEqual(['s2'])
    expect(remembered()).toEqual(['shop/redis/s2'])
  })

  test('forgets folders that are gone, and knows a folder by its place', async () => {
    await listed()
    renameSync(file('s1'), file('s3'))
    expect(await listed(), 'its manifest is that of s1').toEqual(['s2'])
    expect(remembered()).toEqual(['shop/redis/s2'])
    await repository.remove(['s2'], never)
    expect(await listed()).toEqual([])
    expect(remembered()).toEqual([])
  })

  test('does not remember files that have just changed, because another change might not show in their times', async () => {
    const written = statSync(file('s1', 'manifest.json')).ctime
    const onTime = openArchive(backups, { manifests: catalog.manifests, clock: { now: () => written } })
    expect((await onTime.list(never)).map(({ id }) => id)).toEqual(['s1', 's2'])
    expect(remembered()).toEqual([])
  })
})

test('check and verify read the files whatever the cache says', async () => {
  const [snapshot] = await repository.list(never)
  if (!snapshot) throw new Error('nothing is listed')
  const unused = () => {
    throw new Error('the cache was asked')
  }
  const manifests: ManifestCache = { read: unused, update: unused }
  const checking = openArchive(backups, { manifests })
  appendFileSync(file('s1', 'manifest.json'), ' ')
  const damaged = [expect.objectContaining({ id: 's1', file: 'shop/redis/s1/manifest.json' })]
  expect(await Array.fromAsync(checking.check({ readData: false, signal: never }))).toEqual(damaged)
  expect(await checking.verify(snapshot, never)).toEqual(damaged)
})
