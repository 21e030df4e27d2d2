import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { DatabaseFacts } from '../../../../src/methods/postgres/cluster.ts'
import { scanDump } from '../../../../src/methods/postgres/scan-dump.ts'
import { searchPathOf, withSearchPath } from '../../../../src/methods/postgres/search-path.ts'
import { copyData, type FakeEntry, pgArchive } from '../../../fakes/postgres/archive.ts'

const empty = `SELECT pg_catalog.set_config('search_path', '', false);\n`
const own = `SELECT pg_catalog.set_config('search_path', 'public, "it''s"', false);\n`
const path = `public, "it's"`

const archive = (definition: string): Buffer => {
  const entries: FakeEntry[] = [
    { kind: 'SEARCHPATH', name: 'SEARCHPATH', definition },
    { kind: 'TABLE', schema: 'public', name: 'a' },
    { kind: 'TABLE DATA', schema: 'public', name: 'a', data: copyData([empty.trim(), 'x'.repeat(200_000)]) },
  ]
  return pgArchive(entries)
}

/** Chunks of 1,000 bytes. */
const stream = (bytes: Buffer) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, n) => bytes.subarray(n * 1000, n * 1000 + 1000)),
  )

describe('a dump with another search path', () => {
  test('as an archive is the one that pg_dump would have written, and its data stays', async () => {
    const dump = await buffer(withSearchPath(stream(archive(empty)), path))
    expect(dump.equals(archive(own))).toBe(true)
    const scan = scanDump()
    scan.write(dump)
    scan.finish()
    expect(scan.contents()?.rows).toEqual({ 'public.a': 2 })
  })

  test('as a text has the statement replaced once', async () => {
    const dump = stream(Buffer.from(`-- PostgreSQL database dump\n${empty}COPY a FROM stdin;\n${empty}\\.\n`))
    expect(await text(withSearchPath(dump, path))).toBe(
      `-- PostgreSQL database dump\n${own}COPY a FROM stdin;\n${empty}\\.\n`,
    )
  })
})

test.each([
  [[], '"$user", public'],
  [[{ role: 'app', values: ['search_path=mine'] }], '"$user", public'],
  [[{ role: null, values: ['work_mem=1MB', 'search_path=public, tools'] }], 'public, tools'],
])('the search path of a database with the settings %j', (settings, expected) => {
  expect(searchPathOf({ settings } as unknown as DatabaseFacts)).toBe(expected)
})
