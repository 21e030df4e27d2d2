import { pino } from 'pino'
import { expect, test } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { recordProgress } from '../../src/job/record-progress.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { reportJobs } from '../../src/report/jobs.ts'
import { makeFolder } from '../support/cli.ts'

test('another process sees how far a run has come, until the run ends', () => {
  const state = makeFolder()
  using catalog = openCatalog(state)
  using other = openCatalog(state)
  let nowMs = 0
  const clock = { ...systemClock, monotonicMs: () => nowMs }
  const begun = {
    kind: 'backup',
    trigger: 'manual',
    project: 'shop',
    target: 'db',
    started: '2026-11-20T12:00:00.000Z',
  } as const
  const end = { finished: '2026-11-20T12:00:09.000Z', outcome: 'complete', snapshot: 's', bytes: 900 } as const
  catalog.startRun({ id: 'before', ...begun })
  catalog.finishRun('before', 'shop', 'db', end)
  catalog.startRun({ id: 'now', ...begun })
  const progress = recordProgress({ catalog, clock, log: pino({ level: 'silent' }) }, 'now', undefined)
  expect(reportJobs({ catalog: other })).toMatchObject([{ run: 'now', step: null, bytes: 0, expectedBytes: 900 }])
  progress.step('shop/db', 'copying ahead')
  progress.bytes('shop/db', 100)
  expect(reportJobs({ catalog: other })).toMatchObject([{ step: 'copying ahead', bytes: 0 }])
  nowMs = 2000
  progress.bytes('shop/db', 200)
  expect(reportJobs({ catalog: other })).toMatchObject([{ step: 'copying ahead', bytes: 300 }])
  catalog.finishRun('now', 'shop', 'db', end)
  expect(reportJobs({ catalog: other })).toEqual([])
})

test('a catalog that cannot be written keeps no run from going on', () => {
  const catalog = openCatalog(makeFolder())
  const told: string[] = []
  const own = { step: (_key: string, step: string) => void told.push(step), bytes: () => {} }
  const progress = recordProgress({ catalog, clock: systemClock, log: pino({ level: 'silent' }) }, 'now', own)
  catalog[Symbol.dispose]()
  progress.step('shop/db', 'copying')
  expect(told).toEqual(['copying'])
})
