import { expect, test } from 'vitest'
import { judgeAll } from '../../../src/page/verdict.ts'
import type { RepositoryStatus, StatusReport, TargetStatus } from '../../../src/report/status.ts'

const time = '2026-11-20T02:00:00.000Z'
const none = {
  schedule: null,
  firstSeen: null,
  nextRun: null,
  waiting: null,
  lastRun: null,
  damaged: null,
  shrunk: null,
  running: false,
  problems: [],
}
const limits = { rpoSeconds: 86_400, rtoSeconds: 7200 }

function target(name: string, more: Partial<TargetStatus> = {}): TargetStatus {
  const backup = { lastSuccess: time, ageSeconds: 60, rpoMet: true }
  const drill = { lastDrill: time, lastVerdict: 'verified' as const, drillSeconds: 41, rtoMet: true }
  return {
    project: 'shop',
    target: name,
    method: 'redis',
    container: name,
    ...none,
    ...limits,
    ...backup,
    ...drill,
    ...more,
  }
}
const unproven = { lastDrill: null, lastVerdict: null, drillSeconds: null, rtoMet: null }
const local: RepositoryStatus = {
  ...{
    tier: 'local',
    url: 'archive:/b',
    ok: true,
    snapshots: 1,
    storedBytes: 1,
    damaged: [],
    freeBytes: null,
    keyConfirmed: null,
    replication: null,
    problems: [],
  },
}

function judge(targets: TargetStatus[], { ok = true, failures = 0 } = {}) {
  const report: StatusReport = { targets, repositories: [{ ...local, ok }], problems: [], recovery: [], prune: null }
  return judgeAll(report, failures)
}

test('all proven: how many could be restored now, and how long the slowest takes', () => {
  expect(judge([target('a'), target('b', { drillSeconds: 125 })])).toEqual({
    tone: 'good',
    headline: '2 of 2 services could be restored now; slowest 2 m 5 s',
    details: [],
  })
})

test('a backup that no drill has restored is called a good backup, and nothing more', () => {
  expect(judge([target('a', unproven)])).toEqual({
    tone: 'open',
    headline: '1 of 1 services have a good backup',
    details: ['No restore has been proven by a drill yet.'],
  })
  expect(judge([target('a'), target('b', unproven)])).toEqual({
    tone: 'open',
    headline: '2 of 2 services have a good backup',
    details: ['1 of 2 restores have not been proven by a drill yet.', 'Slowest proven restore: 41 s.'],
  })
})

test.each([
  ['broken', { method: null }],
  ['damaged', { damaged: 'id' }],
  ['never backed up', { lastSuccess: null, rpoMet: false }],
  ['too old', { rpoMet: false }],
  ['failed', { lastRun: { run: 'r', kind: 'backup', outcome: 'failed', time } }],
] as const)('a target that is %s is named', (word, more) => {
  const { tone, headline, details } = judge([target('a'), target('b', more)])
  expect(tone).toBe('bad')
  expect(headline).toBe('1 of 2 services could be restored now')
  expect(details[0]).toBe(`b: ${word}.`)
})

test('a failed drill, a repository that is away, an engine that is away and no target at all are bad', () => {
  expect(judge([target('a', { rtoMet: false })])).toMatchObject({
    tone: 'bad',
    headline: '0 of 1 services have a good backup',
    details: ['a: the last restore drill failed, or took too long.'],
  })
  expect(judge([target('a')], { ok: false }).details[0]).toBe('The local repository cannot be read.')
  expect(judge([target('a')], { failures: 1 }).headline).toBe('The container engine does not answer')
  expect(judge([]).headline).toBe('Nothing is backed up')
})

test('a proof with a problem, such as one that is outdated, does not count', () => {
  const outdated = {
    project: 'shop',
    container: 'b',
    target: 'b',
    label: '',
    value: '',
    reason: 'the newest proof is outdated',
  }
  expect(judge([target('a'), target('b', { problems: [outdated] })])).toMatchObject({
    tone: 'open',
    headline: '2 of 2 services have a good backup',
  })
})
