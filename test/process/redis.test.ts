import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDataFolder, replaceDataFiles, stageRdb } from '../../src/methods/redis/data-files.ts'
import type { Layout } from '../../src/methods/redis/layout.ts'

const layout: Layout = {
  dir: '/data',
  dbfilename: 'dump.rdb',
  appendonly: false,
  appendfilename: 'appendonly.aof',
  save: '',
}
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xnai-redis-'))
  write('dump.rdb', 'old')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Writes a file of the service's user. */
function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o640 })
  chownSync(join(folder, name), 4711, 4712)
}
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const ownerNow = (name: string) => {
  const { uid, gid, mode } = statSync(join(folder, name))
  return { uid, gid, mode: mode & 0o777 }
}

async function restore(changed: Layout): Promise<void> {
  await using staged = await stageRdb(folder, changed, 3, Readable.from(['new']))
  expect(read('dump.rdb')).toBe('old')
  await replaceDataFiles(folder, changed, staged)
}

describe('the files of a stopped Redis', () => {
  test('an RDB takes the place, the owner and the mode of the old one', async () => {
    await restore(layout)
    expect([read('dump.rdb'), ownerNow('dump.rdb')]).toEqual(['new', { uid: 4711, gid: 4712, mode: 0o640 }])
    expect(readdirSync(folder)).toEqual(['dump.rdb'])
  })

  test('an append-only file of Redis 6 becomes the same RDB', async () => {
    write('appendonly.aof', 'old commands')
    await restore(layout)
    expect([read('dump.rdb'), read('appendonly.aof')]).toEqual(['new', 'new'])
    expect(ownerNow('appendonly.aof')).toEqual({ uid: 4711, gid: 4712, mode: 0o640 })
    expect(readdirSync(folder)).toEqual(['appendonly.aof', 'dump.rdb'])
  })

  const multiPart: Layout = { ...layout, appendonly: true, appenddirname: 'appendonlydir' }
  const parts = ['appendonly.aof.1.base.rdb', 'appendonly.aof.1.incr.aof', 'appendonly.aof.manifest']

  test('an append-only folder is made where there is none, and belongs to the owner of the RDB', async () => {
    await restore(multiPart)
    expect(readdirSync(join(folder, 'appendonlydir'))).toEqual(parts)
    expect(read('appendonlydir/appendonly.aof.1.base.rdb')).toBe('new')
    expect(ownerNow('appendonlydir')).toEqual({ uid: 4711, gid: 4712, mode: 0o755 })
    for (const name of parts) expect(ownerNow(`appendonlydir/${name}`)).toMatchObject({ uid: 4711, gid: 4712 })
  })

  test('an append-only folder lists files of a new number, and those of before are gone', async () => {
    mkdirSync(join(folder, 'appendonlydir'))
    for (const name of parts) write(`appendonlydir/${name}`, 'old')
    write('appendonlydir/other.aof.7.base.rdb', 'of another instance')
    await restore(multiPart)
    expect(readdirSync(join(folder, 'appendonlydir'))).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
      'other.aof.7.base.rdb',
    ])
    expect(read('appendonlydir/appendonly.aof.manifest')).toContain('file appendonly.aof.2.base.rdb seq 2 type b')
  })
})

describe('a folder that others can write', () => {
  let outside: string
  const multiPart: Layout = { ...layout, appendonly: true, appenddirname: 'appendonlydir' }

  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'xnai-outside-'))
    writeFileSync(join(outside, 'sentinel'), 'kept')
  })
  afterEach(() => {
    expect(readdirSync(outside)).toEqual(['sentinel'])
    rmSync(outside, { recursive: true })
  })

  test('has a link for its append-only folder: nothing is written where it leads', async () => {
    symlinkSync(outside, join(folder, 'appendonlydir'))
    await expect(restore(multiPart)).rejects.toMatchObject({ code: 'TREE_UNSUPPORTED' })
    expect(read('dump.rdb')).toBe('old')
  })

  test('is swapped for a link after it was opened: the restore goes on in the folder that it has', async () => {
    using data = openDataFolder(folder)
    await using staged = await stageRdb(data.path, multiPart, 3, Readable.from(['new']))
    renameSync(folder, `${folder}-away`)
    symlinkSync(outside, folder)
    await replaceDataFiles(data.path, multiPart, staged)
    rmSync(folder)
    renameSync(`${folder}-away`, folder)
    expect(read('dump.rdb')).toBe('new')
  })

  test('has a link in the place of the staged file: its target does not become data of the service', async () => {
    await using staged = await stageRdb(folder, { ...layout, appendfilename: 'one.aof' }, 3, Readable.from(['new']))
    rmSync(staged.path)
    symlinkSync(join(outside, 'sentinel'), staged.path)
    write('one.aof', 'old commands')
    await expect(replaceDataFiles(folder, { ...layout, appendfilename: 'one.aof' }, staged)).rejects.toMatchObject({
      code: 'ELOOP',
    })
    expect(read('one.aof')).toBe('old commands')
  })
})
