import { describe, expect, test } from 'vitest'
import { compareKeys, compareRole } from '../../../../src/methods/redis/prove.ts'
import { parseReport } from '../../../../src/methods/redis/rdb-check.ts'

const info = (values: Record<string, string>) => new Map(Object.entries(values))

describe('keys after a restore', () => {
  test.each([
    ['all were loaded', { rdb_last_load_keys_loaded: '10', rdb_last_load_keys_expired: '0' }, true],
    [
      'some expired since the save and count as well',
      { rdb_last_load_keys_loaded: '8', rdb_last_load_keys_expired: '2' },
      true,
    ],
    ['one is missing', { rdb_last_load_keys_loaded: '9', rdb_last_load_keys_expired: '0' }, false],
    ['an empty server', { rdb_last_load_keys_loaded: '0' }, false],
    ['before 7: the databases together', { db0: 'keys=6,expires=1,avg_ttl=0', db3: 'keys=4,expires=2' }, true],
    ['before 7: keys with a time to live may be gone', { db0: 'keys=7,expires=0' }, true],
    ['before 7: more are gone than could expire', { db0: 'keys=6,expires=0' }, false],
    ['before 7: keys that were not saved', { db0: 'keys=11,expires=0' }, false],
  ])('%s', (_sentence, values, ok) => {
    expect(compareKeys(info(values), { keys: 10, expires: 3 }).ok).toBe(ok)
  })
})

test('a server that sentinels made a replica while it was down did not come back', () => {
  expect(compareRole(info({ role: 'master' })).ok).toBe(true)
  expect(compareRole(info({ role: 'slave' }))).toMatchObject({ ok: false, expected: 'master', actual: 'slave' })
})

const good = `inode 42
[offset 0] Checking RDB file /data/dump.rdb
[offset 26] AUX FIELD redis-ver = '8.0.2'
[offset 52] AUX FIELD ctime = '1795398791'
[offset 81] Selecting DB ID 0
[offset 91] Selecting DB ID 3
[offset 119] Checksum OK
[offset 119] \\o/ RDB looks OK! \\o/
[info] 2 keys read
[info] 1 expires
[info] 0 already expired
inode 42
`
const bad = `inode 42
[offset 0] Checking RDB file /data/dump.rdb
--- RDB ERROR DETECTED ---
[offset 9] Can't handle RDB format version 99
[additional info] While doing: start
[info] 0 keys read
inode 43
`

describe('the report of redis-check-rdb', () => {
  test('of a whole file', () => {
    expect(parseReport({ exitCode: 0, stdout: good, stderr: '' })).toMatchObject({
      ...{ ok: true, inodes: ['42', '42'], keys: 2, expires: 1, databases: [0, 3], savedSecond: 1795398791 },
    })
  })

  test('of a file it cannot read: its own words', () => {
    const report = parseReport({ exitCode: 1, stdout: bad, stderr: '' })
    expect(report).toMatchObject({ ok: false, inodes: ['42', '43'], failure: "Can't handle RDB format version 99" })
  })

  test('whose end is missing is no good report', () => {
    expect(parseReport({ exitCode: 0, stdout: good.slice(0, 150), stderr: '' }).ok).toBe(false)
  })
})
