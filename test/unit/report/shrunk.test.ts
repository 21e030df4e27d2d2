import { expect, test } from 'vitest'
import type { SnapshotSummary } from '../../../src/report/observe.ts'
import { countItems, findShrunk } from '../../../src/report/shrunk.ts'

const backup = (day: number, items: number, bytes = 1_000_000): SnapshotSummary => ({
  id: `s${day}`,
  project: 'shop',
  target: 'db',
  time: `2026-09-0${day}T02:00:00.000Z`,
  reason: 'schedule',
  storedBytes: bytes,
  bytes,
  items,
})
const days = (...items: number[]) => items.map((count, index) => backup(index + 1, count))

test.each([
  ['less than half of each of the three before it', days(100, 90, 80, 39), { what: 'items', before: 80, now: 39 }],
  ['nothing where there was little', days(3, 3, 3, 0), { what: 'items', before: 3, now: 0 }],
  ['half of the bytes', [...days(1, 1, 1), backup(4, 1, 400_000)], { what: 'bytes', before: 1_000_000, now: 400_000 }],
])('a backup with %s has shrunk', (_, backups, expected) => {
  expect(findShrunk(backups)).toEqual({ snapshot: 's4', ...expected })
})

test.each([
  ['as many as the least of the three', days(100, 100, 40, 30)],
  ['too few before it', days(100, 100, 1)],
  ['a small number that halves by chance', days(5, 5, 5, 2)],
  ['a copy of itself in another tier', [...days(100, 100, 30), backup(3, 30)]],
])('a backup with %s has not', (_, backups) => {
  expect(findShrunk(backups)).toBeNull()
})

test.each([
  [{ keys: 7, server: '8.0' }, 7],
  [{ 'rows of shop': { 'public.orders': 5, 'public.users': 2 }, 'database shop': { bytes: 900 } }, 7],
  [{ 'iam.db rows': { users: 3, broken: 'cannot be counted' } }, 3],
  [{ 'documents of shop': { orders: 4 } }, 4],
  [{ server: '8.0' }, 12],
])('what a snapshot with the facts %j holds is counted', (facts, count) => {
  expect(countItems({ facts, files: 12 })).toBe(count)
})
