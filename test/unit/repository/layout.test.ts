import { describe, expect, test } from 'vitest'
import { splitDevice } from '../../../src/lib/tree/entry.ts'
import { pickPaths } from '../../../src/lib/tree/pick.ts'
import { folderOf } from '../../../src/repository/archive/layout.ts'

describe('the folder of a snapshot', () => {
  const cases: [string, string][] = [
    ['shop', 'shop'],
    ['Shop_1-a.b', 'Shop_1-a.b'],
    ['', '%'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['.incoming', '%2Eincoming'],
    ['a/b', 'a%2Fb'],
    ['100%', '100%25'],
    ['é \n', '%C3%A9%20%0A'],
  ]
  test.each(cases)('of the project %j is %s', (project, expected) => {
    expect(folderOf('/backups', { project, target: 'redis' }, '2026').relative).toBe(`${expected}/redis/2026`)
  })

  test('is refused for a name that no file system holds', () => {
    expect(() => folderOf('/backups', { project: 'é'.repeat(100), target: 't' }, 'i')).toThrow('too long for a folder')
  })
})

test.each([
  [0n, 0, 0],
  [0x0801n, 8, 1],
  [((259n & 0xfffn) << 8n) | (70_000n & 0xffn) | ((70_000n & 0xfff00n) << 12n), 259, 70_000],
])('device number %d is %d:%d', (rdev, major, minor) => {
  expect(splitDevice(rdev)).toEqual({ major, minor })
})

describe('picked paths', () => {
  const entry = (path: string, type: 'file' | 'directory' = 'file') =>
    ({ path, type, mode: 0, uid: 0, gid: 0, size: 0, mtimeNs: 0n }) as const
  test('are the path, all below it, and the folders on the way', () => {
    const pick = pickPaths(['/a/b/'])
    const wanted = [
      entry('.', 'directory'),
      entry('a', 'directory'),
      entry('a/b', 'directory'),
      entry('a/b/c'),
      entry('a/bc'),
      entry('x'),
    ]
    expect(wanted.filter((one) => pick.wants(one)).map(({ path }) => path)).toEqual(['.', 'a', 'a/b', 'a/b/c'])
    expect(() => pick.proveFound()).not.toThrow()
  })

  test('that are not there are an error with the nearest', () => {
    const pick = pickPaths(['dump.rbd'])
    for (const path of ['appendonly.aof', 'dump.rdb']) pick.wants(entry(path))
    expect(() => pick.proveFound()).toThrow('no dump.rbd in the snapshot; the nearest is dump.rdb')
  })

  test('all are picked where none was asked for, or the root was', () => {
    expect(pickPaths(undefined).wants(entry('x'))).toBe('asked')
    expect(pickPaths(['.']).wants(entry('x'))).toBe('asked')
  })
})
