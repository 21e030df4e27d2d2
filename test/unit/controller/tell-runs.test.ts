import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Catalog, RunEnd, RunStart } from '../../../src/catalog/catalog.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { tellRuns } from '../../../src/controller/tell-runs.ts'
import { fakeClock } from './fake-clock.ts'

const clock = fakeClock('2026-08-02T09:00:00Z')
const started = '2026-08-02T08:00:00.000Z'
const byHand: RunStart = { id: 'r1', kind: 'backup', trigger: 'manual', project: 'shop', target: 'db', started }
const complete: RunEnd = { finished: started, outcome: 'complete', snapshot: 's1', seconds: 4, downtimeSeconds: 0 }
const error = { code: 'SERVICE_DOWN', message: 'no answer', hint: 'Start it.' } as const

let state: string
/** A command beside the controller. */
let command: Catalog

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'tell-runs-'))
  command = openCatalog(state)
  onTestFinished(() => {
    command[Symbol.dispose]()
    rmSync(state, { recursive: true })
  })
})

/** The lines of the log of a controller that lives for a minute. `meanwhile` happens while it lives. */
async function linesOfController(meanwhile = () => {}, settings = {}): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => {
    const { time: _, level: __, ...record } = JSON.parse(line)
    lines.push(record)
  }
  const log = pino({ level: 'debug', base: null }, { write })
  using catalog = openCatalog(state)
  const ended = new AbortController()
  const told = tellRuns({ catalog, clock, log, settings: { concurrency: 1, ...settings } as never }, ended.signal)
  await clock.advance(30)
  meanwhile()
  await clock.advance(30)
  ended.abort()
  await told
  return lines
}

test('a run of a command is told when it begins and when it ends, once each', async () => {
  command.startRun(byHand)
  const begun = { target: 'shop/db', run: 'r1', trigger: 'manual', started, msg: 'backup has begun' }
  const ended = { outcome: 'complete', snapshot: 's1', seconds: 4, downtimeSeconds: 0, msg: 'backup ended' }
  const lines = await linesOfController(() => command.finishRun('r1', 'shop', 'db', complete))
  expect(lines).toEqual([begun, { target: 'shop/db', run: 'r1', trigger: 'manual', ...ended }])
  expect(await linesOfController()).toEqual([])
})

test('a run that began and ended while no controller lived is told in one line, with code, cause and hint', async () => {
  command.startRun({ ...byHand, kind: 'restore' })
  command.finishRun('r1', 'shop', 'db', { finished: started, outcome: 'failed', rolledBack: true, error })
  expect(await linesOfController()).toEqual([
    {
      ...{ target: 'shop/db', run: 'r1', trigger: 'manual', outcome: 'failed', rolledBack: true },
      ...{ code: 'SERVICE_DOWN', cause: 'no answer', hint: 'Start it.', msg: 'restore failed' },
    },
  ])
})

test('a run of a controller is told by the next one only where the controller died in it', async () => {
  {
    using dead = openCatalog(state)
    for (const id of ['r1', 'r2']) dead.startRun({ ...byHand, id, trigger: 'schedule' })
    dead.finishRun('r1', 'shop', 'db', complete)
    expect(await linesOfController()).toEqual([])
  }
  const interrupted = { run: 'r2', trigger: 'schedule', code: 'INTERRUPTED', msg: 'backup failed' }
  expect(await linesOfController()).toMatchObject([interrupted])
  expect(await linesOfController()).toEqual([])
})

test('a controller of one project tells of no other', async () => {
  command.startRun(byHand)
  expect(await linesOfController(undefined, { project: 'blog' })).toEqual([])
  expect(await linesOfController(undefined, { project: 'shop' })).toHaveLength(1)
})
