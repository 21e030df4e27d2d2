import { expect, test } from 'vitest'
import { daysOf } from '../../../src/page/calendar.ts'
import { trend } from '../../../src/page/graphics.ts'
import { renderJobs } from '../../../src/page/jobs.ts'
import { renderLogin } from '../../../src/page/login.ts'
import { fromNow, when } from '../../../src/page/words.ts'
import type { SnapshotReport } from '../../../src/report/snapshots.ts'

const now = new Date('2026-11-20T12:00:00Z')

test('times are told in the zone, and from now in two units', () => {
  expect(when('2026-11-20T02:00:00.000Z', 'Europe/Berlin')).toBe('2026-11-20 03:00 CET')
  expect(when(null, 'UTC')).toBe('—')
  expect(fromNow('2026-11-20T11:59:30.000Z', now)).toBe('just now')
  expect(fromNow('2026-11-20T08:40:10.000Z', now)).toBe('3 h 19 m ago')
  expect(fromNow('2026-11-21T12:00:00.000Z', now)).toBe('in 1 d')
})

const snapshot = (time: string, more: Partial<SnapshotReport> = {}): SnapshotReport => ({
  ...{ id: time, project: 'shop', target: 'db', method: 'files', time, set: 's', bytes: 1, storedBytes: 1, files: 1 },
  ...{ reason: 'schedule', tiers: ['local'], verified: null, kept: ['newest'], damaged: null },
  ...more,
})

test('the calendar has whole weeks from a Monday on, in the days of the zone, without safety snapshots', () => {
  const snapshots = [snapshot('2026-11-19T23:30:00.000Z'), snapshot('2026-11-20T10:00:00.000Z', { reason: 'safety' })]
  const days = daysOf(snapshots, now, 'Asia/Tokyo')
  expect(days).toHaveLength(35)
  expect(days[0]?.date).toBe('2026-10-19')
  expect(new Date(days[0]?.date ?? '').getUTCDay()).toBe(1)
  expect(days.filter(({ snapshots }) => snapshots.length > 0).map(({ date }) => date)).toEqual(['2026-11-20'])
  expect(days.filter(({ isFuture }) => isFuture).map(({ date }) => date)).toEqual(['2026-11-21', '2026-11-22'])
})

test('a job shows its step, percent and the time left; its names are escaped', async () => {
  const job = {
    run: 'r',
    kind: 'backup',
    project: 'shop',
    target: '<img src=x>',
    started: '2026-11-20T11:59:50.000Z',
  } as const
  const progress = {
    step: 'copying ahead',
    stepSince: '2026-11-20T11:59:50.000Z',
    bytes: 500_000,
    expectedBytes: 1_000_000,
  }
  const text = String(await renderJobs({ now, jobs: [{ ...job, ...progress }] }))
  expect(text).toContain('copying ahead — 50 %, 488 KiB of about 977 KiB, 10 s left')
  expect(text).toContain('&lt;img src=x&gt;')
  expect(text).toContain('/targets/shop/%3Cimg%20src%3Dx%3E')
  expect(text).not.toContain('<img src=x')
})

test('a form holds the path that was asked for as text', async () => {
  expect(String(await renderLogin('/"><script>', false))).toContain('value="/&quot;&gt;&lt;script&gt;"')
})

test('a curve needs two points, and has no size that is no number', async () => {
  expect(trend([{ at: 1, value: 5 }], 'size')).toBe('')
  const flat = String(
    await trend(
      [
        { at: 1, value: 0 },
        { at: 1, value: 0 },
        { at: 2, value: 0 },
      ],
      'size',
    ),
  )
  expect(flat).toContain('<path')
  expect(flat).not.toMatch(/NaN|Infinity/)
})
