import { describe, expect, test } from 'vitest'
import { manifestOf, nextSequence } from '../../../../src/methods/redis/aof.ts'

describe('the manifest of a restored append-only file', () => {
  test('lists the base and an increment of its own', () => {
    expect(manifestOf('appendonly.aof', 4).text).toBe(
      'file appendonly.aof.4.base.rdb seq 4 type b\nfile appendonly.aof.4.incr.aof seq 4 type i\n',
    )
  })

  test('quotes a name with a space', () => {
    expect(manifestOf('my file', 1).text).toContain('file "my file.1.base.rdb" seq 1 type b')
  })

  test.each([
    ['an empty folder', [], 1],
    ['one generation', ['appendonly.aof.1.base.rdb', 'appendonly.aof.1.incr.aof', 'appendonly.aof.manifest'], 2],
    ['an increment far ahead of its base', ['appendonly.aof.2.base.rdb', 'appendonly.aof.17.incr.aof'], 18],
    ['a file that no manifest lists', ['appendonly.aof.9.base.aof'], 10],
    ['files of another instance', ['other.aof.30.base.rdb'], 1],
  ])('takes a number above that of every file: %s', (_what, entries, number) => {
    expect(nextSequence('appendonly.aof', entries)).toBe(number)
  })
})
