import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanDump } from '../../../../src/methods/postgres/scan-dump.ts'
import { copyData, type FakeEntry, pgArchive } from '../../../fakes/postgres/archive.ts'

const table = (name: string, rows: string[], schema = 'public'): FakeEntry[] => [
  { kind: 'TABLE', schema, name, definition: `CREATE TABLE ${schema}.${name} (\n    a text\n);\n` },
  { kind: 'TABLE DATA', schema, name, data: copyData(rows) },
]

const shop: FakeEntry[] = [
  { kind: 'SEARCHPATH', name: 'SEARCHPATH', definition: `SELECT pg_catalog.set_config('search_path', '', false);\n` },
  { kind: 'EXTENSION', name: 'pgcrypto', definition: 'CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;\n' },
  {
    kind: 'TABLE',
    schema: 'public',
    name: 'parts',
    definition: 'CREATE TABLE parts (\n  a int\n)\nPARTITION BY LIST (a);',
  },
  { kind: 'TABLE DATA', schema: 'cron', name: 'job', data: copyData(['1', '2']) },
  { kind: 'SEQUENCE', schema: 'public', name: 'items_id_seq' },
  ...table('items', ['1\tone\\ntwo', '2\t\\\\.', '3\t']),
  ...table('user', []),
  ...table('it\'s "odd"', ['x'], 'My s'),
  { kind: 'BLOBS', data: ['a large object', '', 'one more\n\\.\n'] },
]

const contents = {
  rows: { 'public.items': 3, 'public.user': 0, '"My s"."it\'s ""odd"""': 1 },
  sequences: 1,
  largeObjects: 3,
  extensions: ['pgcrypto'],
}

function scan(chunks: Buffer[]) {
  const { write, finish, contents: found } = scanDump()
  for (const chunk of chunks) write(chunk)
  finish()
  return found()
}

describe('a dump is counted by its own bytes', () => {
  test.each([12, 13, 14, 15, 16])('in the format 1.%s', (minor) => {
    expect(scan([pgArchive(shop, minor)])).toEqual(contents)
  })

  test('however it is cut into chunks', () => {
    const dump = pgArchive(shop)
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
    const cut = (lengths: number[]) => {
      const chunks: Buffer[] = []
      for (let at = 0; at < dump.length; at += chunks.at(-1)?.length ?? 0) {
        chunks.push(dump.subarray(at, at + (lengths[chunks.length % lengths.length] ?? 1)))
      }
      return chunks
    }
    fc.assert(fc.property(sizes, (lengths) => void expect(scan(cut(lengths))).toEqual(contents)))
  })

  test('and not at all in a format that is newer than all that are known', () => {
    expect(scan([pgArchive(shop, 17)])).toBeUndefined()
  })
})

describe('a dump that is not whole is refused', () => {
  test('wherever it was cut', () => {
    const dump = pgArchive(shop)
    const cut = fc.integer({ min: 0, max: dump.length - 1 })
    fc.assert(
      fc.property(
        cut,
        (length) => void expect(() => scan([dump.subarray(0, length)])).toThrow(/empty|no dump|not whole/),
      ),
    )
  })

  test.each([
    ['nothing', '', 'empty'],
    ['something else', 'hello\nworld\n', 'pg_dump wrote no dump'],
  ])('%s', (_what, content, message) => {
    expect(() => scan([Buffer.from(content)])).toThrow(message)
  })

  test('a table whose data lacks the lines at its end', () => {
    const [head, data] = table('items', ['1'])
    const dump = pgArchive([head as FakeEntry, { ...(data as FakeEntry), data: '1\n2\n3\n4\n' }])
    expect(() => scan([dump])).toThrow('the data of public.items has no end')
  })
})
