import { describe, expect, test } from 'vitest'
import { judge } from '../../../../src/methods/victoriametrics/prove.ts'
import { partitionStart, retentionOf } from '../../../../src/methods/victoriametrics/retention.ts'

const october = Date.UTC(2026, 9) / 1000
const facts = {
  seriesLeast: 10,
  oldestPartition: '2026_10',
  sample: { start: 0, end: october + 9000, points: 100, first: october + 1000, sha256: 'a'.repeat(64) },
  sampleSeries: { '1': '{__name__="up"}' },
}
const same = { points: 100, sha256: 'a'.repeat(64) }
const other = 'b'.repeat(64)

describe('a restored server', () => {
  test.each([
    ['answers as before', { series: 12, sample: same }, [true, true], false],
    ['has fewer series than it had', { series: 9, sample: same }, [false, true], false],
    ['has other points', { series: 10, sample: { points: 100, sha256: other } }, [true, false], false],
    ['has fewer points', { series: 10, sample: { points: 90, sha256: other } }, [true, false], false],
    ['has none of what it no longer keeps', { series: 9, keptSince: october + 8000, sample: same }, [true, true], true],
    [
      'shows no points that it no longer keeps',
      { series: 10, keptSince: october + 8000, sample: { points: 0, sha256: other } },
      [true, true],
      true,
    ],
    [
      'has other points, and no fewer, though it keeps less',
      { series: 10, keptSince: october + 8000, sample: { points: 100, sha256: other } },
      [true, false],
      false,
    ],
    [
      'has fewer although it keeps all that the snapshot has',
      { series: 9, keptSince: october, sample: { points: 90, sha256: other } },
      [false, false],
      false,
    ],
  ])('%s', (_, now, ok, dropped) => {
    const { checks, ...said } = judge(facts, now)
    expect([checks.map((check) => check.ok), said.dropped]).toEqual([ok, dropped])
  })

  test('a snapshot that does not say how old its data is gets no leave', () => {
    const { oldestPartition, ...old } = facts
    expect(judge(old, { series: 9, keptSince: october + 8000 }).checks[0]?.ok).toBe(false)
  })
})

test.each([
  ['1', 31],
  ['2', 62],
  ['36h', 1.5],
  ['7d', 7],
  ['2w', 14],
  ['100y', 36_500],
  ['1M', 31],
])('a retention of %s is %d days', (value, days) => {
  const metrics = `flag{name="retentionFilter", value="", is_set="false"} 1\nflag{name="retentionPeriod", value="${value}", is_set="true"} 1\n`
  expect(retentionOf(metrics)).toBe(days * 86_400)
})

test('a retention or a partition that is not told as known is none', () => {
  expect(retentionOf('')).toBeUndefined()
  expect(retentionOf('flag{name="retentionPeriod", value="for ever", is_set="true"} 1')).toBeUndefined()
  expect([partitionStart('2026_10'), partitionStart('snapshots')]).toEqual([october, undefined])
})
