import { describe, expect, test } from 'vitest'
import type { Run } from '../../../src/catalog/catalog.ts'
import type { DrillEnd } from '../../../src/catalog/drill-end.ts'
import { dueDrill, proofsOf, standingOf } from '../../../src/plan/drills.ts'

const day = 86_400
const policy = {
  drill: { kind: 'cron' as const, expression: '0 5 * * 0' },
  timezone: 'UTC',
  drillMaxAgeSeconds: 14 * day,
}
const now = new Date('2026-08-10T12:00:00Z')
const firstSeen = '2026-08-01T00:00:00.000Z'

function drill(
  finished: string,
  verdict: DrillEnd['verdict'],
  more: Partial<Run> = {},
  checks: DrillEnd['checks'] = [],
): Run {
  return {
    ...{ id: finished, kind: 'drill', trigger: 'schedule', project: 'shop', target: 'db', started: finished, finished },
    ...{ outcome: verdict === 'verified' ? 'complete' : 'failed', snapshot: 'one', seconds: 40 },
    drill: { verdict, tier: 'local', rtoSeconds: 7200, checks, notTested: [] },
    ...more,
  }
}

describe('what is verified', () => {
  test('is what the newest drill of a snapshot says that verified it', () => {
    const runs = [
      drill('2026-08-09T05:00:00Z', 'failed', { snapshot: 'two' }),
      drill('2026-08-08T05:00:00Z', 'verified', { seconds: 41 }),
      drill('2026-08-02T05:00:00Z', 'verified', { seconds: 99 }),
    ]
    expect([...proofsOf(runs)]).toEqual([['one', { time: '2026-08-08T05:00:00Z', seconds: 41 }]])
  })
})

describe('the standing of a target', () => {
  const problem = (runs: Run[], more: { firstSeen?: string; drill?: 'off' } = {}) =>
    standingOf({ ...policy, ...(more.drill && { drill: more.drill }) }, runs, { now, firstSeen, ...more }).problem

  test('is good while the newest proof is young', () => {
    const runs = [drill('2026-08-09T05:00:00Z', 'verified')]
    expect(standingOf(policy, runs, { now, firstSeen })).toEqual({ last: runs[0], verified: runs[0] })
  })

  test('is outdated when the newest proof is too old', () => {
    expect(problem([drill('2026-07-20T05:00:00Z', 'verified')])).toContain('outdated')
  })

  test('is a problem when the newest drill failed, by its first check that did', () => {
    const wrong = { name: 'rows', expected: '3', actual: '2', ok: false, state: 'failed' as const }
    const runs = [drill('2026-08-10T05:00:00Z', 'failed', {}, [wrong]), drill('2026-08-09T05:00:00Z', 'verified')]
    expect(problem(runs)).toBe('the drill of 2026-08-10T05:00:00Z failed: rows: expected 3, found 2')
  })

  test('is a problem when it could not run: that never counts as passed', () => {
    const error = { code: 'IMAGE_GONE' as const, message: 'the image is gone', hint: '' }
    expect(problem([drill('2026-08-10T05:00:00Z', 'could not run', { error })])).toContain(
      'could not run: the image is gone',
    )
  })

  test('without any drill is a problem once the target is known for longer than a proof lasts, unless drills are off', () => {
    expect(problem([])).toBeUndefined()
    expect(problem([], { firstSeen: '2026-07-01T00:00:00Z' })).toBe('no drill has ever verified a snapshot')
    expect(problem([], { firstSeen: '2026-07-01T00:00:00Z', drill: 'off' })).toBeUndefined()
  })

  test('takes no drill that an operator ended', () => {
    const error = { code: 'CANCELLED' as const, message: 'cancelled', hint: '' }
    const verified = drill('2026-08-09T05:00:00Z', 'verified')
    const runs = [drill('2026-08-10T05:00:00Z', 'could not run', { error }), verified]
    expect(standingOf(policy, runs, { now, firstSeen })).toEqual({ last: verified, verified })
  })

  test('takes no drill of the future, which a wrong clock has dated', () => {
    expect(standingOf(policy, [drill('2027-01-01T05:00:00Z', 'verified')], { now, firstSeen }).last).toBeUndefined()
  })
})

describe('a drill is due', () => {
  const due = (drills: Run[], newest: string | undefined = 'one') =>
    dueDrill(policy, { schedule: { firstSeen }, drills, newest, now })

  test('at its slot', () => {
    expect(due([]).slot).toEqual(new Date('2026-08-09T05:00:00Z'))
  })

  test('not where drills are off, and not without a snapshot', () => {
    expect(
      dueDrill({ ...policy, drill: 'off' }, { schedule: { firstSeen }, drills: [], newest: 'one', now }).slot,
    ).toBeUndefined()
    const without = dueDrill(policy, { schedule: { firstSeen }, drills: [], newest: undefined, now })
    expect(without).toEqual({ reason: 'there is no snapshot yet' })
  })

  test('not of a snapshot whose proof is young until the next slot', () => {
    expect(due([drill('2026-08-05T05:00:00Z', 'verified')]).skipped).toBeDefined()
    expect(due([drill('2026-08-01T05:00:00Z', 'verified')]).slot).toBeDefined()
    expect(due([drill('2026-08-05T05:00:00Z', 'verified')], 'two').slot).toBeDefined()
  })

  test('not after three that did not end', () => {
    const dead = ['05:01', '05:02', '05:03'].map((time) => drill(`2026-08-09T${time}:00Z`, 'failed'))
    expect(due(dead.slice(1)).slot).toBeDefined()
    expect(due(dead)).toMatchObject({ reason: '3 drills did not end' })
  })
})
