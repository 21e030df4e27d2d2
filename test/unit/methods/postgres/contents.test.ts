import { describe, expect, test } from 'vitest'
import {
  type Contents,
  compareContents,
  readContents,
  recordedContents,
} from '../../../../src/methods/postgres/contents.ts'

const contents: Contents = {
  rows: { 'public.a': 2, 'public.b': 0 },
  sequences: 1,
  largeObjects: 0,
  extensions: { plpgsql: '1.0' },
}
const bad = (actual: Contents) => compareContents('shop', contents, actual).filter(({ ok }) => !ok)

describe('counts', () => {
  test('are read a line each', () => {
    const lines = [
      '{"schema" : "public", "table" : "a", "rows" : 2}',
      '{"sequences" : 1, "largeObjects" : 0, "extensions" : {"plpgsql" : "1.0"}}',
      '',
    ]
    expect(readContents(lines)).toEqual({ ...contents, rows: { 'public.a': 2 } })
  })

  test('that agree', () => expect(bad(contents)).toEqual([]))

  test.each([
    ['a row less', { rows: { 'public.a': 1, 'public.b': 0 } }, 'shop: rows of public.a'],
    ['rows in another table', { rows: { 'public.a': 1, 'public.b': 1 } }, 'shop: rows of public.b'],
    ['an empty table less', { rows: { 'public.a': 2 } }, 'shop: rows of public.b'],
    ['a table more', { rows: { ...contents.rows, 'public.c': 0 } }, 'shop: rows of public.c'],
    ['a large object more', { largeObjects: 1 }, 'shop: sequences and large objects'],
    ['a missing extension', { extensions: {} }, 'shop: extension plpgsql'],
  ])('that differ: %s', (_what, change, name) => {
    expect(bad({ ...contents, ...change }).map((check) => check.name)).toContain(name)
  })

  test('a newer version of an extension is right', () => {
    expect(bad({ ...contents, extensions: { plpgsql: '1.1' } })).toEqual([])
  })

  test('of a snapshot that quotes names by the reserved words of its version', () => {
    const rows = { 'public."user"': 2, '"My ""s"."it\'s"': 1, 'public.a': 0 }
    const now = { 'public.user': 2, '"My ""s"."it\'s"': 1, 'public.a': 0 }
    const expected = recordedContents({ 'rows of shop': rows }, 'shop')
    expect(compareContents('shop', expected, { ...contents, rows: now }).filter(({ ok }) => !ok)).toEqual([])
  })
})
