import { describe, expect, test } from 'vitest'
import { type Decision, decide, type NotifyInput } from '../../../src/notify/decide.ts'
import { lineOf } from '../../../src/notify/message.ts'
import type { NoticeState } from '../../../src/notify/state.ts'
import type { TargetStatus } from '../../../src/report/status.ts'
import { completeRun, error, failedRun, input, local, reportOf, target } from './build.ts'

/** Takes one decision after another. Answers the lines that each tells. */
function follow(...inputs: NotifyInput[]) {
  let state: NoticeState | undefined
  const decisions: Decision[] = []
  for (const each of inputs) {
    // What a restart would read: a decision MUST rest on nothing else.
    const decision: Decision = decide(state && JSON.parse(JSON.stringify(state)), each)
    state = decision.state
    decisions.push(decision)
  }
  return {
    lines: decisions.map(({ message }) => message?.items.map(lineOf) ?? []),
    beats: decisions.map(({ beat }) => beat?.state),
    last: decisions.at(-1) as Decision,
  }
}

const at = (time: string, targets: Partial<TargetStatus>[], more: Partial<NotifyInput> = {}) => {
  const now = `2026-09-02T${time}:00.000Z`
  const all = targets.map((one) => target(one.target ?? 'db', now, one))
  return input(now, { report: reportOf(all), ...more })
}
const failed = (name = 'db') => ({ target: name, ...failedRun('2026-09-02T02:00:00.000Z') })

describe('a backup that failed', () => {
  test('is told once, with the reason and what to do, and so is its end', () => {
    const { lines } = follow(at('02:01', [failed()]), at('02:02', [failed()]), at('02:03', [{}]), at('02:04', [{}]))
    expect(lines).toEqual([
      ['ERROR shop/db: the backup failed: no answer. Start it.'],
      [],
      ['RECOVERED shop/db: the backup failed: no answer.'],
      [],
    ])
  })

  test('of a night in which several fail is told in one message when the runs are over', () => {
    const busy = { isBusy: true }
    const { lines } = follow(
      at('02:01', [failed('a'), { target: 'b' }], busy),
      at('02:03', [failed('a'), failed('b')], busy),
      at('02:05', [failed('a'), failed('b')]),
    )
    expect(lines.map((some) => some.length)).toEqual([0, 0, 2])
  })

  test('is told after a quarter of an hour while other runs go on', () => {
    const { lines } = follow(at('02:00', [failed()], { isBusy: true }), at('02:16', [failed()], { isBusy: true }))
    expect(lines.map((some) => some.length)).toEqual([0, 1])
  })

  test('and is complete when it is repeated before the runs are over is not told', () => {
    const { lines } = follow(at('02:00', [failed()], { isBusy: true }), at('02:02', [{}]))
    expect(lines).toEqual([[], []])
  })

  test('because an operator cancelled it is not told', () => {
    const { lines } = follow(at('02:01', [failedRun('2026-09-02T02:00:00.000Z', 'CANCELLED')]))
    expect(lines).toEqual([[]])
  })
})

describe('an objective', () => {
  test('that is missed is told with the age', () => {
    const old = { rpoMet: false, ageSeconds: 100_000, lastSuccess: '2026-08-31T00:00:00.000Z' }
    const text = 'the objective is missed: the newest backup is 27 hours old, and may be 24 hours'
    expect(follow(at('12:00', [old])).lines).toEqual([[`ERROR shop/db: ${text}.`]])
  })

  test('of a target that is new is not missed before it could be met', () => {
    const none = { rpoMet: false, ageSeconds: null, lastSuccess: null }
    const { lines } = follow(
      at('12:00', [{ ...none, firstSeen: '2026-09-02T00:00:00.000Z' }]),
      at('13:00', [{ ...none, firstSeen: '2026-08-31T00:00:00.000Z' }]),
    )
    expect(lines).toEqual([[], [expect.stringContaining('there is no backup yet')]])
  })

  test('is not judged while a repository does not answer', () => {
    const away = { ...local, ok: false, error: { ...error, code: 'REPOSITORY_UNREACHABLE' as const } }
    const now = '2026-09-02T12:00:00.000Z'
    const missed = target('db', now, { rpoMet: false, lastSuccess: null })
    const without = (time: string) => input(time, { report: reportOf([missed], { repositories: [away] }) })
    const { lines } = follow(input(now), without('2026-09-02T12:01:00.000Z'), without('2026-09-02T12:04:00.000Z'))
    expect(lines).toEqual([[], [], ['ERROR the local repository cannot be used: no answer. Start it.']])
  })
})

const slow = { target: 'c', lastVerdict: 'verified' as const, rtoMet: false, drillSeconds: 9000, rtoSeconds: 7200 }

test('a drill that failed, one that could not run, and one that was too slow are told', () => {
  const drilled = [
    // The seconds are those of an earlier drill, which has verified a snapshot.
    { target: 'a', lastVerdict: 'failed' as const, rtoMet: false, drillSeconds: 41 },
    { target: 'b', lastVerdict: 'could not run' as const, drillSeconds: 41 },
    slow,
  ]
  expect(follow(at('12:00', drilled)).lines[0]).toEqual([
    'ERROR shop/a: the last drill failed. Drill it again: xnai-backup verify shop/a.',
    'WARNING shop/b: the last drill could not run. Drill it again: xnai-backup verify shop/b.',
    'ERROR shop/c: the objective is missed: the last drill took 150 minutes, and may take 120 minutes.',
  ])
})

test.each([
  ['failed', false],
  ['could not run', null],
] as const)('that drills are too slow is not over because the next one %s', (lastVerdict, rtoMet) => {
  const { lines } = follow(
    at('12:00', [slow]),
    at('13:00', [{ ...slow, lastVerdict, rtoMet }]),
    at('14:00', [{ ...slow, rtoMet: true, drillSeconds: 41 }]),
  )
  expect(lines[1]).toEqual([expect.stringContaining('the last drill')])
  expect(lines[2]).toContainEqual(expect.stringMatching(/^RECOVERED shop\/c: the objective is missed/))
})

test('a remote repository that lags is told by target, and one that is away silences no objective', () => {
  const now = '2026-09-02T12:00:00.000Z'
  const late = { ...error, code: 'REPLICATION_LATE' as const, message: 'shop/db: 2 snapshots have waited' }
  const lagging = { ...local, tier: 'remote' as const, problems: [late] }
  const away = { ...local, tier: 'remote' as const, ok: false, error }
  const missed = target('db', now, { rpoMet: false, ageSeconds: 100_000, lastSuccess: '2026-08-31T00:00:00.000Z' })
  const { lines } = follow(
    input(now, { report: reportOf([target('db', now)], { repositories: [local, lagging] }) }),
    input('2026-09-02T12:01:00.000Z', { report: reportOf([missed], { repositories: [local, away] }) }),
  )
  expect(lines[0]).toEqual(['WARNING shop/db: 2 snapshots have waited. Start it.'])
  expect(lines[1]).toContainEqual(expect.stringContaining('ERROR shop/db: the objective is missed'))
})

test('a target that vanished is told once, after five minutes, and what was open of it is forgotten', () => {
  const both = [failed('a'), { target: 'b' }]
  const { lines, last } = follow(
    ...[
      at('12:00', both),
      at('12:01', [{ target: 'b' }]),
      at('12:07', [{ target: 'b' }]),
      at('12:30', [{ target: 'b' }]),
    ],
  )
  expect(lines.slice(1)).toEqual([[], [expect.stringContaining('WARNING shop/a: the target is gone')], []])
  expect(last.state).toMatchObject({ known: ['shop/b'], open: {} })
})

test('a container that is made anew within minutes has not vanished', () => {
  expect(follow(at('12:00', [{}]), at('12:01', []), at('12:03', [{}])).lines).toEqual([[], [], []])
})

test('a stack with nothing to back up is told', () => {
  const { lines } = follow(at('12:00', []), at('12:06', []))
  expect(lines[1]).toEqual([expect.stringContaining('ERROR there is nothing to back up at all')])
})

test('a target that labels have broken is told, and its failure is not called over', () => {
  const problem = { project: 'shop', container: 'shop-db-1', label: 'xnai.backup.x', value: '', reason: 'is unknown' }
  const broken = { method: null, lastRun: null, rpoMet: null, problems: [problem] }
  const { lines } = follow(at('12:00', [failed()]), at('12:01', [broken]), at('12:03', [broken]))
  expect(lines[2]).toEqual([expect.stringContaining('shop/db: is not backed up: xnai.backup.x: is unknown')])
})

test('a backup that has shrunk is told once for each snapshot', () => {
  const shrunk = (snapshot: string) => ({ shrunk: { snapshot, what: 'items' as const, before: 100, now: 3 } })
  const { lines } = follow(at('12:00', [shrunk('s1')]), at('12:01', [shrunk('s1')]), at('12:02', [shrunk('s2')]))
  expect(lines.map((some) => some.length)).toEqual([1, 0, 1])
  expect(lines[0]).toEqual([expect.stringContaining('3 items after 100 items or more (s1)')])
})

test('a controller whose predecessor died says so at once', () => {
  const { lines } = follow(at('12:00', [{}], { hasCrashed: true, isBusy: true }))
  expect(lines[0]).toEqual([expect.stringContaining('WARNING the controller started, and the one before it had died')])
})

test('containers that cannot be listed are told, and targets have not vanished by that', () => {
  const fault = { engineFault: { code: 'ENGINE_UNREACHABLE' as const, message: 'no socket', hint: 'Mount it.' } }
  const { lines } = follow(
    at('12:00', [{}]),
    at('12:01', [], fault),
    at('12:04', [], fault),
    at('12:05', [{}]),
    at('12:08', [{}]),
  )
  expect(lines).toEqual([
    [],
    [],
    ['ERROR the containers cannot be listed: no socket. Mount it.'],
    [],
    ['RECOVERED the containers cannot be listed: no socket.'],
  ])
})

test('a clock that is set back keeps nothing from being told', () => {
  const gone = at('12:01', [])
  const earlier = (minute: string) => input(`2026-08-01T12:${minute}:00.000Z`, { report: reportOf([]) })
  const { lines } = follow(at('12:00', [{}]), gone, earlier('00'), earlier('06'))
  expect(lines[3]).not.toEqual([])
})

describe('runs that are over', () => {
  const run = completeRun('db', '2026-09-02T02:00:00.000Z')

  test('and complete make one item of level info', () => {
    const other = completeRun('app', '2026-09-02T02:00:00.000Z')
    const { lines } = follow(at('01:00', [{}]), at('02:02', [{}], { runs: [run, other] }))
    expect(lines[1]).toEqual(['INFO backup complete: app, db (3.0 MB in 82 seconds).'])
  })

  test('and have counted no bytes tell none', () => {
    const { bytes: _, ...counted } = run
    const { lines } = follow(at('01:00', [{}]), at('02:02', [{}], { runs: [{ ...counted, kind: 'drill' }] }))
    expect(lines[1]).toEqual(['INFO drill complete: db (41 seconds).'])
  })

  test('before the first decision are told to nobody', () => {
    const { lines, last } = follow(at('02:02', [{}], { runs: [run] }))
    expect(lines).toEqual([[]])
    expect(last.seen).toEqual([run])
  })

  test('of a restore that failed is told', () => {
    const restore = { ...run, kind: 'restore' as const, outcome: 'failed' as const, error, rolledBack: true as const }
    const { lines } = follow(at('01:00', [{}]), at('02:02', [{}], { runs: [restore] }))
    const end = 'Start it. The state before it was put back.'
    expect(lines[1]).toEqual([`ERROR shop/db: the restore failed: no answer. ${end}`])
  })
})

describe('heartbeats', () => {
  const begun = { ...completeRun('db', '2026-09-02T02:00:00.000Z'), outcome: undefined, finished: undefined }
  const run = completeRun('db', '2026-09-02T02:00:00.000Z')

  test('say start, then success', () => {
    const { beats, last } = follow(
      at('01:59', [{}]),
      at('02:00', [{}], { runs: [begun as never], isBusy: true }),
      at('02:01', [{}], { runs: [run] }),
    )
    expect(beats).toEqual(['success', 'start', 'success'])
    expect(last.beat?.summary).toContain('backup complete: db')
  })

  test('say fail after a run that was complete while another target fails', () => {
    const { beats, last } = follow(at('01:00', [failed('a'), {}]), at('02:01', [failed('a'), {}], { runs: [run] }))
    expect(beats).toEqual(['fail', 'fail'])
    expect(last.beat?.summary).toContain('shop/a: the backup failed: no answer')
  })

  test('say that all is well again, and once a day that it still is', () => {
    const tomorrow = input('2026-09-03T12:10:00.000Z')
    const { beats } = follow(at('12:00', [failed()]), at('12:01', [{}]), at('12:02', [{}]), tomorrow)
    expect(beats).toEqual(['fail', 'success', undefined, 'success'])
  })
})
