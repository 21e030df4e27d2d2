import { describe, expect, test } from 'vitest'
import type { RunEnd, RunStart } from '../../../../src/catalog/catalog.ts'
import { openCatalog } from '../../../../src/catalog/sqlite.ts'
import { fakeEngine } from '../../../fakes/engine.ts'
import { container, makeFolder, run, type Stage, shelf, volume } from '../../../support/cli.ts'
import { logsShape } from '../../../support/json-shapes.ts'

const error = {
  code: 'SERVICE_DOWN',
  message: 'Redis does not answer',
  hint: 'Start it: podman start shop-redis-1',
} as const
const begun: RunStart = {
  id: 'r1',
  kind: 'backup',
  trigger: 'schedule',
  project: 'shop',
  target: 'files',
  started: '2026-11-19T02:00:00.000Z',
}
const done: RunEnd = {
  finished: '2026-11-19T02:00:04.000Z',
  outcome: 'complete',
  snapshot: '20261119T020000Z-1a2b3c',
  bytes: 3_000_000,
  seconds: 4,
  downtimeSeconds: 1.5,
  steps: [
    { name: 'copying ahead', seconds: 2 },
    { name: 'stopped, copying the rest', seconds: 0.4 },
    { name: 'packing', seconds: 1.1 },
  ],
}
const failed: RunEnd = {
  finished: '2026-11-20T11:00:01.000Z',
  outcome: 'failed',
  seconds: 1,
  downtimeSeconds: 0,
  error,
}
const own = { id: 'r2', trigger: 'manual', target: 'redis', started: '2026-11-20T11:00:00.000Z' } as const
const running = { id: 'r3', kind: 'restore', trigger: 'manual', started: '2026-11-20T11:59:00.000Z' } as const

/** A catalog with three runs, and an engine that does not answer. */
function makeStage(): Stage & Disposable {
  const catalog = openCatalog(makeFolder())
  catalog.startRun(begun)
  catalog.finishRun('r1', 'shop', 'files', done)
  catalog.startRun({ ...begun, ...own })
  catalog.finishRun('r2', 'shop', 'redis', failed)
  catalog.startRun({ ...begun, ...running })
  const engine = fakeEngine({ containers: [] })
  const away = () => Promise.reject(new Error('no answer from the engine'))
  return {
    catalog,
    engine: { ...engine, list: away, inspect: away, info: away },
    [Symbol.dispose]: () => catalog[Symbol.dispose](),
  }
}

describe('logs', () => {
  test('shows the runs of all targets, the newest last, while the engine is away', async () => {
    using stage = makeStage()
    const { stdout, stderr, exitCode } = await run(['logs'], { ...stage, terminal: true })
    expect(stdout).toMatchInlineSnapshot(`
      "STARTED (UTC)     TARGET      RUN      RESULT    BY        TOOK   DOWN
      2026-11-19 02:00  shop/files  backup   complete  schedule  4.0 s  1.5 s
        snapshot 20261119T020000Z-1a2b3c;
        copying ahead 2.0 s; stopped, copying the rest 0.4 s; packing 1.1 s
      2026-11-20 11:00  shop/redis  backup   failed    manual    1.0 s  —
        error: Redis does not answer (SERVICE_DOWN). Hint: Start it: podman start
          shop-redis-1
      2026-11-20 11:59  shop/files  restore  running   manual    —      —
      "
    `)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  test('shows the newest of one target, in one line with all columns', async () => {
    using stage = makeStage()
    const { stdout } = await run(['--wide', 'logs', 'shop/files', '-n', '2'], stage)
    expect(stdout).toMatchInlineSnapshot(`
      "STARTED (UTC)     TARGET      RUN      RESULT    BY        TOOK   DOWN   SNAPSHOT                 SIZE     ID
      2026-11-19 02:00  shop/files  backup   complete  schedule  4.0 s  1.5 s  20261119T020000Z-1a2b3c  2.9 MiB  r1
        copying ahead 2.0 s; stopped, copying the rest 0.4 s; packing 1.1 s
      2026-11-20 11:59  shop/files  restore  running   manual    —      —      —                        —        r3
      "
    `)
    expect((await run(['logs', 'files', '-n', '1'], stage)).stdout).not.toContain('complete')
  })

  test('has one document with all that is known of each run', async () => {
    using stage = makeStage()
    const { runs } = logsShape.parse((await run(['logs', '--json'], stage)).json())
    const unknown = { trigger: 'manual', finished: null, outcome: null, steps: [] }
    expect(runs).toEqual([
      { run: 'r1', ...omitId(begun), ...done },
      { run: 'r2', ...omitId(begun), ...omitId(own), ...failed, steps: [] },
      { run: 'r3', ...omitId(begun), ...unknown, ...omitId(running) },
    ])
  })

  test('shows no secret that a failure has named, though nothing tells this process what is secret', async () => {
    const labels = { 'xnai.backup.enable': 'true', 'xnai.backup.quiesce': 'none' }
    const app = container('app', {
      labels,
      environment: { API_TOKEN: 'correct horse' },
      mounts: [volume('app', '/srv')],
    })
    const fail = () => Promise.reject(new Error('the tool said: correct horse'))
    const stage = { state: makeFolder(), containers: [app], local: shelf([], { stage: fail }) }
    expect((await run(['backup', 'app'], stage)).stdout).toContain('the tool said: [secret]')
    const { stdout } = await run(['logs', '--json'], stage)
    expect(stdout).toContain('the tool said: [secret]')
  })

  test('of a target that has no runs is empty, and of no target is refused', async () => {
    expect(await run(['logs', 'redis'])).toMatchObject({ exitCode: 0, stdout: 'No runs.\n' })
    const { exitCode, stderr } = await run(['logs', 'redus'])
    expect({ exitCode, stderr }).toEqual({
      exitCode: 4,
      stderr: expect.stringContaining('there is no target redus\nhint: Did you mean redis?'),
    })
  })

  test.each(['0', '-1', 'ten', '1.5'])('refuses -n %s', async (count) => {
    const { exitCode, stderr } = await run(['logs', '-n', count])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('It must be a number from 1 on')
  })
})

const omitId = <T extends { id: string }>({ id: _, ...run }: T): Omit<T, 'id'> => run
