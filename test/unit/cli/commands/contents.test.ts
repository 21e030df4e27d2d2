import { expect, test } from 'vitest'
import type { ArtifactRecord, ListedEntry } from '../../../../src/repository/repository.ts'
import { run, shelf, snapshot } from '../../../support/cli.ts'
import { diffShape, lsShape } from '../../../support/json-shapes.ts'

const dump = (name: string, bytes: number, digit: string): ArtifactRecord => ({
  ...{ kind: 'stream', name, bytes, sha256: digit.repeat(64), stored: null },
})
const older = snapshot('redis', '2026-11-19T02:00:00.000Z', {
  artifacts: [dump('globals.sql', 40, 'a'), dump('shop.dump', 3_000_000, 'b'), dump('old.dump', 5, 'c')],
})
const newer = snapshot('redis', '2026-11-20T02:00:00.000Z', {
  artifacts: [dump('globals.sql', 40, 'a'), dump('shop.dump', 3_500_000, 'd'), dump('new.dump', 6, 'e')],
})
const huge = snapshot('files', '2026-11-20T03:00:00.000Z', {
  artifacts: [{ kind: 'tree', name: 'data', origin: '/srv', bytes: 0, entries: 10_003, stored: null }],
})

const entry = (path: string, type: ListedEntry['type'] = 'file'): ListedEntry => ({
  ...{ path, type, mode: 0o644, uid: 0, gid: 0, size: 1, mtimeNs: 1n << 80n },
})
const local = shelf([older, newer, huge], {
  listTree: async function* () {
    yield entry('.', 'directory')
    for (let index = 0; index < 10_002; index++) yield entry(String(index).padStart(6, '0'))
  },
})

test('ls shows the dumps of a snapshot, and says where there are no files to look for', async () => {
  const { stdout } = await run(['ls', older.id], { local })
  expect(stdout).toMatchInlineSnapshot(`
    "HOLDS        AS    SIZE     ENTRIES
    globals.sql  dump  40 B     —
    shop.dump    dump  2.9 MiB  —
    old.dump     dump  5 B      —
    "
  `)
  const { stderr, exitCode } = await run(['ls', older.id, '/data'], { local })
  expect(stderr).toContain('It holds no files, only dumps.')
  expect(exitCode).toBe(4)
})

test('ls shows so many entries, and counts the others', async () => {
  const { entries, more } = lsShape.parse((await run(['ls', huge.id, '--json'], { local })).json())
  expect([entries.length, more]).toEqual([10_000, 2])
  expect(entries[0]?.modified, 'a time that no calendar has').toBe('+275760-09-13T00:00:00.000Z')
  expect((await run(['ls', huge.id], { local })).stdout).toContain('and 2 more')
})

test('diff compares dumps by size and digest', async () => {
  const { stdout } = await run(['diff', older.id, newer.id], { local })
  expect(stdout).toMatchInlineSnapshot(`
    "HOLDS        CHANGE   BEFORE   AFTER
    globals.sql  same     40 B     40 B
    shop.dump    changed  2.9 MiB  3.3 MiB
    old.dump     removed  5 B      —
    new.dump     added    —        6 B
    "
  `)
  const { artifacts } = diffShape.parse((await run(['diff', older.id, newer.id, '--json'], { local })).json())
  expect(artifacts[1]).toMatchObject({ name: 'shop.dump', before: { sha256: 'b'.repeat(64) } })
})

test('diff refuses snapshots of two targets', async () => {
  const { stderr, exitCode } = await run(['diff', older.id, huge.id], { local })
  expect(stderr).toContain('one snapshot is of shop/redis, the other one of shop/files')
  expect(exitCode).toBe(2)
})
