import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { targetLock } from '../../../src/catalog/keys.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { runDrills } from '../../../src/drill/run.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { observe } from '../../../src/report/observe.ts'
import { run } from '../../support/cli.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const oneService = () => setJobStage(({ data }) => [{ name: 'db', labels: enabled(), mounts: [data('files')] }])

/** The repository takes nothing in before the run is aborted. */
function hangInWindow(stage: JobStage) {
  const { local } = stage
  const begun = Promise.withResolvers<void>()
  stage.local = {
    ...local,
    stage: (_target, _artifacts, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        begun.resolve()
      }),
  }
  return begun.promise
}

/** A restore beside the stack that has begun to write, and goes on until it is aborted. Answers its end in a field. */
async function writeBeside(stage: JobStage, to: string) {
  const { local } = stage
  const begun = Promise.withResolvers<void>()
  stage.local = {
    ...local,
    extract: async (...call) => {
      await local.extract(...call)
      const { signal } = call[3]
      begun.resolve()
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const targets = [{ project: 'shop', name: 'db' }]
  const plan = await planRestore(stage.parts, { targets, at: 'latest', to }, stage.signal)
  const ended = runRestore(stage.parts, plan, { safety: true }, stage.signal)
  await begun.promise
  stage.local = local
  return { ended }
}

/** The command, as another process with a catalog of its own calls it. */
function callCancel(stage: JobStage, ...args: string[]) {
  const catalog = openCatalog(join(stage.folder, 'state'))
  onTestFinished(() => catalog[Symbol.dispose]())
  return run(['cancel', ...args], { catalog })
}

describe('cancel', () => {
  test('ends a drill: nothing of it is left, and it says nothing about the snapshot', async () => {
    const stage = oneService()
    await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
    const { local } = stage
    const begun = Promise.withResolvers<void>()
    stage.local = {
      ...local,
      extract: (_snapshot, _artifact, _to, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
          begun.resolve()
        }),
    }
    const drilling = runDrills(stage.parts, await stage.targets(), { trigger: 'manual' }, stage.signal)
    await begun.promise
    expect((await callCancel(stage, 'db', '--json')).json()).toMatchObject({ target: 'db', outcome: 'complete' })
    expect(await drilling).toMatchObject({ targets: [{ verdict: 'could not run', error: { code: 'CANCELLED' } }] })
    expect(await stage.parts.engine.listScratch(stage.signal)).toEqual([])
  })

  test('ends a backup in its window: the service runs again, and nothing is kept', async () => {
    const stage = oneService()
    const begun = hangInWindow(stage)
    const running = runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
    await begun
    expect(await stage.states()).toEqual({ db: 'stopped' })
    const cancelled = await callCancel(stage, 'db', '--json')
    expect(cancelled.exitCode).toBe(0)
    const { targets, run: id } = await running
    expect(cancelled.json()).toEqual({ run: id, project: 'shop', target: 'db', outcome: 'complete' })
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'CANCELLED' } })
    expect(await stage.states()).toEqual({ db: 'running' })
    expect(await stage.local.list(stage.signal)).toEqual([])
    expect(stage.parts.catalog.runs({})[0]).toMatchObject({ id, outcome: 'failed', error: { code: 'CANCELLED' } })
  })

  test('ends a restore before anything is replaced', async () => {
    const stage = oneService()
    await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
    const begun = hangInWindow(stage)
    const targets = [{ project: 'shop', name: 'db' }]
    const plan = await planRestore(stage.parts, { targets, at: 'latest' }, stage.signal)
    const running = runRestore(stage.parts, plan, { safety: true }, stage.signal)
    await begun
    expect((await callCancel(stage, 'shop/db')).exitCode).toBe(0)
    expect((await running).targets[0]).toMatchObject({
      outcome: 'failed',
      rolledBack: false,
      error: { code: 'CANCELLED' },
    })
    expect(await stage.states()).toEqual({ db: 'running' })
  })

  test('ends a restore beside the stack, which kept no backup of the target from running, and leaves nothing of it', async () => {
    const stage = oneService()
    await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
    const to = join(stage.folder, 'look')
    const first = await writeBeside(stage, to)
    const { outcome } = await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)
    expect(outcome).toBe('complete')
    expect((await observe(stage.parts, stage.signal)).locked).toEqual(new Set(['shop/db']))

    const second = await writeBeside(stage, join(stage.folder, 'look-again'))
    const [one] = stage.parts.catalog.holders().flatMap(({ key, run }) => (key.kind === 'beside' ? run : []))
    const unclear = await callCancel(stage, 'db')
    expect(unclear).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`--run ${one}`) })
    expect((await callCancel(stage, 'db', '--run', one ?? '')).exitCode).toBe(0)
    expect((await callCancel(stage, 'db')).exitCode).toBe(0)
    for (const { targets } of await Promise.all([first.ended, second.ended]))
      expect(targets).toMatchObject([{ outcome: 'failed', error: { code: 'CANCELLED' } }])
    expect([readdirSync(to), stage.parts.catalog.holders()]).toEqual([[], []])
  })

  test('of a target on which nothing runs is NOT_RUNNING', async () => {
    const { exitCode, stderr } = await callCancel(oneService(), 'db')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('no job runs on the target db')
  })

  test('does not end what finishes the work of a dead run', async () => {
    const stage = oneService()
    using _lock = stage.parts.catalog.lock([targetLock('shop', 'db')], 'recover')
    const { exitCode, stderr } = await callCancel(stage, 'db')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('cannot be cancelled')
  })

  test('of one run is forgotten with its locks', () => {
    const { catalog } = oneService().parts
    const lock = catalog.lock([targetLock('shop', 'db')], 'first')
    catalog.cancel('first')
    expect(catalog.isCancelled('first')).toBe(true)
    lock[Symbol.dispose]()
    expect(catalog.isCancelled('first')).toBe(false)
    using _second = catalog.lock([targetLock('shop', 'db')], 'second')
    expect(catalog.isCancelled('second')).toBe(false)
  })
})
