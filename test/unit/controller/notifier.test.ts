import { pino } from 'pino'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { controllerLock } from '../../../src/catalog/keys.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { createNotifier } from '../../../src/controller/notifier.ts'
import type { Pass } from '../../../src/controller/pass.ts'
import type { Parts } from '../../../src/job/job.ts'
import { parseAddress } from '../../../src/notify/address.ts'
import { observe, observeTargets } from '../../../src/report/observe.ts'
import { reportStatus } from '../../../src/report/status.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { makeFolder, shelf } from '../../support/cli.ts'
import { httpSink } from '../../support/sinks.ts'
import { methods, settings } from '../plan/build.ts'
import { fakeClock } from './fake-clock.ts'
import { service } from './launch.ts'

let state: string
beforeEach(() => {
  state = makeFolder()
})

/** A controller that only tells, over a real catalog and a real server. `pass` makes it consider one pass. */
async function startTelling(report?: () => Promise<never>) {
  const { host, received } = await httpSink()
  const catalog = openCatalog(state)
  const clock = fakeClock('2026-09-02T02:00:00Z')
  const parts = {
    catalog,
    clock,
    engine: fakeEngine({ containers: [service('db')] }),
    repositories: new Map([['local', shelf([])]]),
    methods,
    settings: { ...settings, project: 'shop' },
    log: pino({ level: 'silent' }),
    ownPath: (path: string) => path,
  } as unknown as Parts
  const parsed = parseAddress(`info=http://${host}/hook`)
  if (!('value' in parsed)) throw new Error(parsed.reason)
  const ended = new AbortController()
  const current = async () => reportStatus(await observe(parts, ended.signal))
  const options = { addresses: [parsed.value], report: report ?? current }
  const notifier = createNotifier(parts, options, ended.signal)
  const held = catalog.lock([controllerLock], 'controller')
  const pass = async () => {
    const observed = await observeTargets(parts, ended.signal)
    const seen: Pass = {
      at: clock.now(),
      observed,
      actions: [],
      active: [],
      errors: [],
      failures: 0,
      repositoryFault: undefined,
      seconds: 0,
    }
    await notifier.consider(seen)
  }
  const runs = (outcome: 'complete' | 'failed', id: string) => {
    const time = clock.now().toISOString()
    const error = { code: 'SERVICE_DOWN', message: 'no answer', hint: 'Start it.' } as const
    catalog.startRun({ id, kind: 'backup', trigger: 'manual', project: 'shop', target: 'db', started: time })
    catalog.finishRun(id, 'shop', 'db', { finished: time, outcome, ...(outcome === 'failed' && { error }) })
  }
  const end = async () => {
    ended.abort()
    await clock.advance(0)
    await notifier.end()
    held[Symbol.dispose]()
    catalog[Symbol.dispose]()
  }
  /** Ends as a process does that is killed: nothing is noted. */
  const die = () => {
    ended.abort()
    held[Symbol.dispose]()
    catalog[Symbol.dispose]()
  }
  const titles = () => received.map(({ body }) => JSON.parse(body).title)
  return { pass, runs, end, die, titles, clock }
}

test('a run by hand that failed is told by the controller, once, and a restart repeats nothing', async () => {
  const first = await startTelling()
  await first.pass()
  first.runs('failed', 'r1')
  await first.pass()
  await expect.poll(first.titles).toEqual(['shop: db: the backup failed'])
  await first.pass()
  await first.end()
  const second = await startTelling()
  onTestFinished(second.end)
  await second.pass()
  second.runs('complete', 'r2')
  await second.pass()
  await expect.poll(second.titles).toEqual(['shop: 1 recovered'])
})

test('a controller says that the one before it had died, and not that it had ended', async () => {
  const first = await startTelling()
  await first.pass()
  first.die()
  const second = await startTelling()
  await second.pass()
  await expect.poll(second.titles).toEqual(['shop: the controller started, and the one before it had died'])
  await second.end()
  const third = await startTelling()
  onTestFinished(third.end)
  await third.pass()
  third.runs('complete', 'r1')
  await third.pass()
  await expect.poll(third.titles).toEqual([expect.stringContaining('backup complete')])
})

test('a repository that hangs keeps no pass waiting', async () => {
  const { pass, die } = await startTelling(() => new Promise(() => {}))
  onTestFinished(die)
  const considered = pass()
  await expect(Promise.race([considered.then(() => 'waited'), Promise.resolve('goes on')])).resolves.toBe('goes on')
})
