import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { openTextDump } from '../../../src/methods/postgres/text-dump.ts'

const folder = mkdtempSync(join(tmpdir(), 'text-dump-'))
afterAll(() => rmSync(folder, { recursive: true }))

const begin = '-- PostgreSQL database dump\n\n\\restrict aBc\n\n-- Dumped from database version 17.6 (Debian 17.6-1)\n'
const end = '-- PostgreSQL database dump complete\n--\n\n\\unrestrict aBc\n'
const copies = `COPY public.tasks (id, title) FROM stdin;
1\t\\\\connect is no command here
2\t-- PostgreSQL database cluster dump
\\.

COPY public."odd ""name"" (x)" (a) FROM stdin;
\\.
COPY old.tasks (id) FROM stdin;
7
\\.
`

function write(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(content) : content)
  return path
}

test.each(['plain.sql', 'packed.sql.gz'])('%s: its rows, its version, and nothing for psql but SQL', async (name) => {
  const { stream, found } = openTextDump(write(name, begin + copies + end))
  const kept = await text(stream)
  expect(kept).toContain(copies)
  expect(kept).not.toMatch(/restrict/)
  expect(found).toEqual({
    serverMajor: 17,
    rows: { 'public.tasks': 2, 'public."odd ""name"" (x)"': 0, 'old.tasks': 1 },
  })
})

test('rows that are INSERT statements are not counted', async () => {
  const { stream, found } = openTextDump(write('inserts.sql', `${begin}INSERT INTO tasks VALUES (1);\n${end}`))
  await text(stream)
  expect(found.rows).toBeUndefined()
})

test.each([
  ['cut in its data', begin + copies.slice(0, 60), 'does not end as a dump of one database does'],
  ['empty', '', 'does not end as a dump of one database does'],
  ['of a whole cluster', `--\n-- PostgreSQL database cluster dump\n--\n${end}`, 'is a dump of a whole cluster'],
  ['that changes the database', `${begin}\\connect other\n${end}`, 'holds the psql command \\connect other'],
  ['that runs a program', `${begin}\\! reboot\n${end}`, 'holds the psql command \\! reboot'],
])('a dump %s is refused', async (_what, content, message) => {
  await expect(text(openTextDump(write('bad.sql', content)).stream)).rejects.toThrow(message)
})

test('a gzip file that was cut is an error', async () => {
  const path = write('cut.sql.gz', begin + copies + end)
  writeFileSync(path, gzipSync(begin + copies + end).subarray(0, 100))
  await expect(text(openTextDump(path).stream)).rejects.toThrow('unexpected end of file')
})
