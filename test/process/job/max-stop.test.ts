import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { openArchive } from '../../../src/repository/archive.ts'
import type { Repository, Staged } from '../../../src/repository/repository.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const backUp = async (stage: JobStage, signal = stage.signal) =>
  runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, signal)

/** Has a snapshot, so that what a first backup loads and starts takes no time of a later window. */
async function oneService(labels: Record<string, string> = {}): Promise<JobStage> {
  const stage = setJobStage(({ data }) => [{ name: 'db', labels: enabled(), mounts: [data('files')] }])
  expect(await backUp(stage)).toMatchObject({ outcome: 'complete' })
  stage.parts.engine.journal.length = 0
  relabel(stage, labels)
  return stage
}

const incoming = ({ folder }: JobStage) => readdirSync(join(folder, 'backups/.incoming'))

/**
 * The repository takes the data in, and then ignores its signal and does not answer before `release`. `begun` answers the states at the
 * begin of that, `taken` resolves when the data is in, or cannot be read any more.
 */
function hangIn(stage: JobStage, isHit: (target: string) => boolean = () => true) {
  const { local } = stage
  const hanging = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<Record<string, string>>()
  const taken = Promise.withResolvers<void>()
  const stageIn: Repository['stage'] = async (target, artifacts, options) => {
    const isHanging = isHit(target.target)
    // Not later: where the machine has much else to do, the window may end before all data is in.
    if (isHanging) begun.resolve(await stage.states())
    const taking = local.stage(target, artifacts, { ...options, signal: new AbortController().signal })
    if (!isHanging) return await taking
    const staged = await taking.finally(taken.resolve)
    await hanging.promise
    return staged
  }
  stage.local = { ...local, stage: stageIn }
  return { begun: begun.promise, taken: taken.promise, release: hanging.resolve, local }
}

const waitMs = 60_000

const untilRunning = (stage: JobStage, name = 'db') =>
  vi.waitFor(async () => expect((await stage.states())[name]).toBe('running'), waitMs)

/** Only the run that hangs has so little time: one that must succeed may take as long as it needs. */
const relabel = ({ parts }: JobStage, labels: Record<string, string>) =>
  parts.engine.change('db', { labels: enabled(labels) })

describe('a repository that hangs for ever in the window', () => {
  const ways = [
    { quiesce: 'stop', held: 'stopped', acts: ['stop db', 'start db'] },
    { quiesce: 'pause', held: 'paused', acts: ['pause db', 'unpause db'] },
  ]
  test.each(ways)('with quiesce $quiesce: the service runs again after max-stop, and the run fails', async (way) => {
    const stage = await oneService({ quiesce: way.quiesce, 'max-stop': '2s' })
    const hang = hangIn(stage)
    const running = backUp(stage)
    expect(await hang.begun).toEqual({ db: way.held })
    await untilRunning(stage)
    await hang.taken
    if (way.quiesce === 'pause') hang.release()

    const { outcome, targets } = await running
    expect(outcome).toBe('failed')
    expect(targets[0]).toMatchObject({ stopped: ['db'], error: { code: 'TIMEOUT' } })
    expect(targets[0]?.error?.message).toBe('the window that holds db: no end after 2 s')
    expect(targets[0]?.error?.hint).toContain('max-stop')
    expect(targets[0]?.downtimeSeconds).toBeGreaterThan(1.9)
    expect(targets[0]?.downtimeSeconds).toBeLessThan(60)
    expect(stage.parts.engine.journal).toEqual(way.acts)
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
    expect(stage.parts.catalog.holders()).toEqual([])

    if (way.quiesce === 'stop') expect(incoming(stage)).not.toEqual([])
    hang.release()
    await vi.waitFor(() => expect(incoming(stage), 'what came late is removed').toEqual([]), waitMs)
    expect(await stage.local.list(stage.signal)).toHaveLength(1)
    stage.local = hang.local
    relabel(stage, { quiesce: way.quiesce })
    expect(await backUp(stage)).toMatchObject({ outcome: 'complete' })
  })

  test('and is interrupted by the operator: the service runs again at once', async () => {
    const stage = await oneService()
    const hang = hangIn(stage)
    const interruption = new AbortController()
    const running = backUp(stage, interruption.signal)
    await hang.taken
    interruption.abort()
    await untilRunning(stage)
    hang.release()
    expect((await running).targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } })
    expect(incoming(stage)).toEqual([])
  })

  test('with one target of a group: the smallest max-stop counts, and nothing of the others is published', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'a', labels: enabled({ group: 'all', 'max-stop': '1h' }), mounts: [data('one')] },
      { name: 'b', labels: enabled({ group: 'all', 'max-stop': '2s' }), mounts: [data('two')] },
      { name: 'c', labels: enabled({ group: 'all' }), mounts: [data('three')] },
    ])
    // The first one of them, at which the window has not lasted yet.
    const hang = hangIn(stage, (target) => target === 'a')
    const running = backUp(stage)
    await hang.begun
    for (const name of ['a', 'b', 'c']) await untilRunning(stage, name)
    await hang.taken
    hang.release()
    const { outcome, targets } = await running
    expect(outcome).toBe('failed')
    expect(targets.map(({ error }) => error?.code)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    expect(await stage.local.list(stage.signal)).toEqual([])
    expect(incoming(stage)).toEqual([])
  })
})

test('data that was read ahead holds its service for ten minutes at most, and is packed without a maximum', async () => {
  const stage = await oneService()
  const archive = openArchive(join(stage.folder, 'backups'), { prepareBytes: 0 })
  const [started, cleared] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')]
  onTestFinished(() => [started, cleared].forEach((spy) => void spy.mockRestore()))
  const limits = () => started.mock.calls.flatMap(([expire, ms], index) => (ms === 600_000 ? [{ expire, index }] : []))
  let signal: AbortSignal | undefined
  let isLifted = false
  const publishing = (staged: Staged): Staged['publish'] => {
    return (...call) => {
      const timers = limits().map(({ index }) => started.mock.results[index]?.value)
      isLifted = cleared.mock.calls.some(([timer]) => timers.includes(timer))
      return staged.publish(...call)
    }
  }
  stage.local = {
    ...archive,
    stage: async (target, artifacts, options) => {
      signal = options.signal
      const staged = await archive.stage(target, artifacts, options)
      return { ...staged, publish: publishing(staged) }
    },
  }
  expect(await backUp(stage)).toMatchObject({ outcome: 'complete' })
  expect(isLifted, 'its packing has no maximum').toBe(true)
  limits()[0]?.expire()
  expect(signal?.aborted, 'its window ends with the timer of ten minutes').toBe(true)
  expect(started.mock.calls.map(([, ms]) => ms)).not.toContain(7_200_000)
})

describe('a restore', () => {
  test('whose safety snapshot hangs is given up after max-stop, and nothing was replaced', async () => {
    const stage = await oneService({ 'max-stop': '2s' })
    const hang = hangIn(stage)
    const targets = [{ project: 'shop', name: 'db' }]
    const plan = await planRestore(stage.parts, { targets, at: 'latest' }, stage.signal)
    const running = runRestore(stage.parts, plan, { safety: true }, stage.signal)
    expect(await hang.begun).toEqual({ db: 'stopped' })
    await untilRunning(stage)
    const { targets: results } = await running
    expect(results[0]).toMatchObject({ outcome: 'failed', rolledBack: false, error: { code: 'TIMEOUT' } })
    hang.release()
    await vi.waitFor(() => expect(incoming(stage)).toEqual([]), waitMs)
    expect(await stage.local.list(stage.signal)).toHaveLength(1)
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })
})
