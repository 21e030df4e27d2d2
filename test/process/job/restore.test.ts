import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { containerLock } from '../../../src/catalog/keys.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { enabled, failOnce, type JobStage, setJobStage } from './stage.ts'

const backup = async (stage: JobStage) =>
  runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)

async function restore(stage: JobStage, signal = stage.signal) {
  const targets = await stage.targets()
  const plan = await planRestore(stage.parts, { targets, at: 'latest' }, stage.signal)
  const { targets: results } = await runRestore(stage.parts, plan, { safety: true }, signal)
  return results
}

const oneService = () => setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])

/** The engine interface promises that a paused container can be stopped; the real one unpauses it first. */
function stopAlsoPaused(stage: JobStage): void {
  const { engine } = stage.parts
  const stop = engine.stop
  engine.stop = async (id, ...rest) => {
    if ((await engine.inspect(id, stage.signal))?.state === 'paused') await engine.unpause(id, stage.signal)
    return stop(id, ...rest)
  }
}

describe('a restore', () => {
  test('brings back content and removes what came since; the safety snapshot has it', async () => {
    const stage = oneService()
    await backup(stage)
    writeFileSync(join(stage.folder, 'files/word'), 'changed')
    writeFileSync(join(stage.folder, 'files/new'), 'new')
    const [result] = await restore(stage)
    expect(result).toMatchObject({ outcome: 'complete', rolledBack: false, checks: [{ ok: true }] })
    expect(readdirSync(join(stage.folder, 'files'))).toEqual(['word'])
    const snapshots = await stage.local.list(stage.signal)
    expect(snapshots.find(({ id }) => id === result?.safetySnapshot)).toMatchObject({ reason: 'safety', files: 3 })
    expect(stage.parts.engine.journal).toEqual(['stop app', 'start app', 'stop app', 'start app'])
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('that fails ends in the state before, the service up', async () => {
    const stage = oneService()
    await backup(stage)
    writeFileSync(join(stage.folder, 'files/word'), 'before')
    failOnce(stage)
    const [result] = await restore(stage)
    expect(result).toMatchObject({ outcome: 'failed', rolledBack: true, error: { message: 'the disk went away' } })
    expect(readFileSync(join(stage.folder, 'files/word'), 'utf8')).toBe('before')
    expect(await stage.states()).toEqual({ app: 'running' })
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('that is interrupted ends in the state before too', async () => {
    const stage = oneService()
    await backup(stage)
    writeFileSync(join(stage.folder, 'files/word'), 'before')
    const interruption = new AbortController()
    failOnce(stage, () => interruption.abort())
    const [result] = await restore(stage, interruption.signal)
    expect(result).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(readFileSync(join(stage.folder, 'files/word'), 'utf8')).toBe('before')
    expect(await stage.states()).toEqual({ app: 'running' })
  })

  test('whose way back fails as well says so, and the next pass finds it', async () => {
    const stage = oneService()
    await backup(stage)
    writeFileSync(join(stage.folder, 'files/word'), 'before')
    const { local } = stage
    stage.local = { ...local, extract: () => Promise.reject(new Error('no disk at all')) }
    const [result] = await restore(stage)
    expect(result).toMatchObject({ outcome: 'failed', rolledBack: false, error: { code: 'ROLLBACK_FAILED' } })
    stage.local = local
    expect(await recover(stage.parts, stage.signal)).toMatchObject({
      done: ['finish the restore of shop/app', 'start container app'],
      problems: [],
    })
    expect(readFileSync(join(stage.folder, 'files/word'), 'utf8')).toBe('before')
    expect(await stage.states()).toEqual({ app: 'running' })
  })

  test('brings back what is gone with its folder; one that fails leaves nothing there', async () => {
    const stage = oneService()
    await backup(stage)
    rmSync(join(stage.folder, 'files'), { recursive: true })
    failOnce(stage)
    expect((await restore(stage))[0]).toMatchObject({ outcome: 'failed', rolledBack: false })
    expect(existsSync(join(stage.folder, 'files'))).toBe(false)
    const [result] = await restore(stage)
    expect(result).toMatchObject({ outcome: 'complete', warnings: [expect.stringContaining('no safety snapshot')] })
    expect(readFileSync(join(stage.folder, 'files/word'), 'utf8')).toBe('files')
  })

  test('brings back a single file that is mounted by itself, there or gone', async () => {
    const stage = setJobStage(({ data }) => {
      const { source, ...mount } = data('files', '/etc/app/word')
      return [{ name: 'app', labels: enabled(), mounts: [{ ...mount, source: join(source, 'word') }] }]
    })
    await backup(stage)
    const file = join(stage.folder, 'files/word')
    for (const damage of [() => writeFileSync(file, 'something longer'), () => rmSync(file)]) {
      damage()
      expect((await restore(stage))[0]).toMatchObject({ outcome: 'complete' })
      expect(readFileSync(file, 'utf8')).toBe('files')
    }
  })

  test('proves a file whose blocks of zeros the file system allocates in another way than at the backup', async () => {
    const stage = oneService()
    const file = join(stage.folder, 'files/zeros')
    writeFileSync(file, Buffer.concat([Buffer.from('start'), Buffer.alloc(1_000_000), Buffer.from('end')]))
    await backup(stage)
    rmSync(file)
    const { local } = stage
    const digHoles =
      'touch -r "$1" "$1.time" && fallocate --dig-holes "$1" && touch -r "$1.time" "$1" && rm "$1.time" && touch -r "$2" .'
    stage.local = {
      ...local,
      extract: async (snapshot, artifact, to, options) => {
        await local.extract(snapshot, artifact, to, options)
        execFileSync('touch', ['-r', to, join(stage.folder, 'time-of-root')])
        execFileSync('sh', ['-ec', digHoles, 'sh', file, join(stage.folder, 'time-of-root')], { cwd: to })
        expect(statSync(file).blocks * 512).toBeLessThan(1_000_000)
      },
    }
    expect((await restore(stage))[0]).toMatchObject({ outcome: 'complete', rolledBack: false, checks: [{ ok: true }] })
  })

  test('of one path without safety, interrupted: recovery completes that path and touches no other', async () => {
    const stage = oneService()
    const at = (name: string) => join(stage.folder, 'files', name)
    writeFileSync(at('precious'), 'old')
    await backup(stage)
    writeFileSync(at('precious'), 'written since')
    writeFileSync(at('word'), 'broken')
    const { local } = stage
    const interruption = new AbortController()
    stage.local = {
      ...local,
      extract: (...call) => {
        interruption.abort()
        return local.extract(...call)
      },
    }
    const request = { targets: await stage.targets(), at: 'latest' as const, only: ['word'] }
    const plan = await planRestore(stage.parts, request, stage.signal)
    await runRestore(stage.parts, plan, { safety: false }, interruption.signal)
    stage.local = local
    await recover(stage.parts, stage.signal)
    expect(readFileSync(at('precious'), 'utf8')).toBe('written since')
    expect(readFileSync(at('word'), 'utf8')).toBe('files')
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('of two paths of which one was gone: a roll back leaves nothing of that one', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', labels: enabled({ paths: '/data/a,/data/b' }), mounts: [data('files')] },
    ])
    const at = (name: string) => join(stage.folder, 'files', name)
    for (const name of ['a', 'b']) mkdirSync(at(name))
    for (const name of ['a/one', 'b/one']) writeFileSync(at(name), 'old')
    await backup(stage)
    rmSync(at('b'), { recursive: true })
    writeFileSync(at('a/one'), 'now')
    const { local } = stage
    let count = 0
    stage.local = {
      ...local,
      extract: async (...call) => {
        await local.extract(...call)
        if (++count === 2) throw new Error('the disk went away')
      },
    }
    expect((await restore(stage))[0]).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(readFileSync(at('a/one'), 'utf8')).toBe('now')
    expect(existsSync(at('b'))).toBe(false)
  })

  test('of a service that the user had paused leaves it paused', async () => {
    const stage = oneService()
    await backup(stage)
    const [app] = await stage.parts.engine.list(stage.signal)
    await stage.parts.engine.pause(app?.id ?? '', stage.signal)
    stopAlsoPaused(stage)
    expect((await restore(stage))[0]).toMatchObject({ outcome: 'complete' })
    expect(await stage.states()).toEqual({ app: 'paused' })
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('waits for a run that holds a writer, and takes that writer down itself', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', labels: enabled(), mounts: [data('files')] },
      { name: 'indexer', mounts: [data('files')] },
    ])
    await backup(stage)
    const { journal } = stage.parts.engine
    journal.length = 0
    const indexer = await stage.parts.engine.inspect('indexer', stage.signal)
    const other = stage.parts.catalog.lock([containerLock('indexer')], 'another run')
    await stage.parts.engine.stop(indexer?.id ?? '', 1, stage.signal)
    const seen: string[][] = []
    const { local } = stage
    stage.local = {
      ...local,
      extract: async (...call) => {
        seen.push([...journal])
        return local.extract(...call)
      },
    }
    const restoring = restore(stage)
    setTimeout(async () => {
      await stage.parts.engine.start(indexer?.id ?? '', stage.signal)
      other[Symbol.dispose]()
    }, 300)
    expect((await restoring)[0]).toMatchObject({ outcome: 'complete' })
    expect(seen).toEqual([['stop indexer', 'start indexer', 'stop app', 'stop indexer']])
    expect(await stage.states()).toEqual({ app: 'running', indexer: 'running' })
  })

  test('of a group takes the newest set that has all of it', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'a', labels: enabled({ group: 'all' }), mounts: [data('one')] },
      { name: 'b', labels: enabled({ group: 'all' }), mounts: [data('two')] },
    ])
    const whole = await backup(stage)
    const [first] = await stage.targets()
    await runBackup(stage.parts, first ? [first] : [], { reason: 'manual' }, stage.signal)
    const plan = await planRestore(stage.parts, { targets: await stage.targets(), at: 'latest' }, stage.signal)
    expect(plan.steps.map(({ snapshot }) => snapshot.set)).toEqual(whole.targets.map(({ set }) => set))
  })
})
