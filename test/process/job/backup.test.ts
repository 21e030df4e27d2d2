import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BackupError } from '../../../src/errors.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { openArchive } from '../../../src/repository/archive.ts'
import { mountSilent } from '../../support/silent-mount.ts'
import type { JobStage } from './stage.ts'
import { enabled, setJobStage } from './stage.ts'

const run = async (stage: JobStage, signal = stage.signal) =>
  runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, signal)

const listed = async ({ local, signal }: JobStage) => (await local.list(signal)).map(({ target }) => target)

describe('one target', () => {
  test('stops dependents first, starts in reverse, publishes once all runs', async () => {
    const stage = setJobStage(({ data }) => {
      const mounts = [data('files')]
      return [
        { name: 'app', labels: enabled(), mounts },
        { name: 'web', mounts, dependsOn: ['app'] },
      ]
    })
    const { outcome, targets } = await run(stage)
    expect(outcome).toBe('complete')
    expect(targets[0]).toMatchObject({ stopped: ['web', 'app'], files: 2, warnings: [] })
    expect(stage.parts.engine.journal).toEqual(['stop web', 'stop app', 'start app', 'start web'])
    expect(stage.parts.catalog.runs({})[0]).toMatchObject({ outcome: 'complete', snapshot: targets[0]?.snapshot })
  })

  test('takes a prepared tree as its copy, which is packed when the services run again', async () => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
    const local = openArchive(join(stage.folder, 'backups'), { prepareBytes: 0 })
    const staged: (number | undefined)[] = []
    stage.local = {
      ...local,
      stage: async (...call) => {
        const taken = await local.stage(...call)
        staged.push(...taken.artifacts.map(({ bytes }) => bytes))
        return taken
      },
    }
    expect(await run(stage)).toMatchObject({ outcome: 'complete', targets: [{ files: 2, warnings: [] }] })
    expect(staged, 'its bytes are not known before it is packed').toEqual([undefined])
    expect(readdirSync(join(stage.folder, 'backups/.incoming'))).toEqual([])
  })

  test.each(['/_data', '/.config', '/données', `/${'x'.repeat(252)}`])('captures a volume at %s', async (path) => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files', path)] }])
    const { outcome, targets } = await run(stage)
    expect({ outcome, error: targets[0]?.error }).toEqual({ outcome: 'complete', error: undefined })
  })

  test('a container that cannot be stopped: what was stopped runs again, nothing is listed', async () => {
    const stage = setJobStage(({ data }) => {
      const mounts = [data('files')]
      return [
        { name: 'app', labels: enabled(), mounts },
        { name: 'web', mounts, dependsOn: ['app'] },
      ]
    })
    const { engine } = stage.parts
    const stop = engine.stop
    engine.stop = async (id, ...rest) => {
      if (id === (await engine.inspect('app', stage.signal))?.id) throw new Error('no such luck')
      return stop(id, ...rest)
    }
    const { targets } = await run(stage)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'QUIESCE_FAILED', message: 'no such luck' } })
    expect(targets[0]?.error?.hint).toMatch(/ Look at its log: podman logs app\.$/)
    expect(await stage.states()).toEqual({ app: 'running', web: 'running' })
    expect(await listed(stage)).toEqual([])
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('a container that does not come back: the snapshot counts, the run is incomplete, the intent stays', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', engine: 'docker', labels: enabled(), mounts: [data('files')] },
    ])
    stage.parts.engine.start = async () => {
      throw new Error('port is taken')
    }
    const { outcome, targets } = await run(stage)
    expect(outcome).toBe('incomplete')
    expect(targets[0]).toMatchObject({
      error: {
        code: 'RESUME_FAILED',
        message: 'app did not come back: port is taken',
        hint: 'Bring it back by hand: docker start app. The controller goes on trying.',
      },
      warnings: ['app did not come back: port is taken'],
    })
    expect(await listed(stage)).toEqual(['app'])
    expect(stage.parts.catalog.claimOrphans()).toMatchObject([
      { intent: { kind: 'resume', container: { name: 'app' } } },
    ])
  })

  test('a process that had to be killed is told in the snapshot', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'app', labels: enabled({ 'stop-timeout': '1s' }), mounts: [data('files')], ignoresTerm: true },
    ])
    await run(stage)
    const [snapshot] = await stage.local.list(stage.signal)
    expect(snapshot?.warnings).toEqual([
      'app did not end within 1 s and was killed: crash-consistent only. Give it longer (label xnai.backup.stop-timeout of its target, or stop_grace_period), or name the signal that it ends on (stop_signal)',
    ])
  })

  test('an abort in the window: services up, nothing listed', async () => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
    const interruption = new AbortController()
    const stop = stage.parts.engine.stop
    stage.parts.engine.stop = async (...call) => {
      const answer = await stop(...call)
      interruption.abort()
      return answer
    }
    const { targets } = await run(stage, interruption.signal)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } })
    expect(await stage.states()).toEqual({ app: 'running' })
    expect(await listed(stage)).toEqual([])
  })

  test('a volume whose file system never answers: everything else goes on, and an abort ends the run', async () => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
    using _mount = mountSilent(join(stage.folder, 'files'))
    const interruption = new AbortController()
    setTimeout(() => interruption.abort(new BackupError('INTERRUPTED', 'interrupted by a test')), 500)
    const { targets } = await run(stage, interruption.signal)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'INTERRUPTED' } })
    expect(await stage.states()).toEqual({ app: 'running' })
    expect(await listed(stage)).toEqual([])
  })

  test('labels that broke since somebody asked are a failure that says so', async () => {
    const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
    const targets = await stage.targets()
    const app = await stage.parts.engine.inspect('app', stage.signal)
    stage.parts.engine.change(app?.id ?? '', { labels: enabled({ quiesce: 'halt' }) })
    const { targets: results } = await runBackup(stage.parts, targets, { reason: 'manual' }, stage.signal)
    expect(results[0]).toMatchObject({ outcome: 'failed', error: { code: 'TARGET_BROKEN' } })
    expect(stage.parts.engine.journal).toEqual([])
  })
})

describe('several targets', () => {
  const twoOn = (one: string, two: string) =>
    setJobStage(({ data }) => [
      { name: 'one', labels: enabled(), mounts: [data(one)] },
      { name: 'two', labels: enabled(), mounts: [data(two)] },
    ])
  const runBoth = async (stage: JobStage) =>
    runBackup(stage.parts, await stage.targets(), { reason: 'manual', concurrency: 2 }, stage.signal)

  test('are backed up at once', async () => {
    const stage = twoOn('files', 'others')
    const { local } = stage
    const both = Promise.withResolvers<void>()
    let taking = 0
    stage.local = {
      ...local,
      stage: async (...call) => {
        if (++taking === 2) both.resolve()
        await both.promise
        return await local.stage(...call)
      },
    }
    const { outcome, targets } = await runBoth(stage)
    expect({ outcome, names: targets.map(({ target }) => target) }).toEqual({
      outcome: 'complete',
      names: ['one', 'two'],
    })
  })

  test('that need the same containers held wait for each other', async () => {
    const stage = twoOn('files', 'files')
    expect(await runBoth(stage)).toMatchObject({ outcome: 'complete' })
    const window = [/^stop/, /^stop/, /^start/, /^start/].map((what) => expect.stringMatching(what))
    expect(stage.parts.engine.journal).toEqual([...window, ...window])
    expect(await listed(stage)).toHaveLength(2)
  })
})

describe('hooks', () => {
  const commands = [
    ({ request }: { request: { command: string[] } }) => ({ exitCode: request.command.includes('fail') ? 3 : 0 }),
  ]
  const withHooks = (pre: string, post: string) =>
    setJobStage(
      ({ data }) => [
        {
          name: 'app',
          labels: enabled({ 'exec-pre': `["${pre}"]`, 'exec-post': `["${post}"]` }),
          mounts: [data('files')],
        },
      ],
      { commands },
    )

  test('run before the stop and after the start', async () => {
    const stage = withHooks('pre', 'post')
    expect((await run(stage)).outcome).toBe('complete')
    expect(stage.parts.engine.journal).toEqual(['exec app pre', 'stop app', 'start app', 'exec app post'])
  })

  test('a failing pre aborts the run, and post runs all the same', async () => {
    const stage = withHooks('fail', 'post')
    expect((await run(stage)).targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'EXEC_FAILED' } })
    expect(stage.parts.engine.journal).toEqual(['exec app fail', 'exec app post'])
    expect(await listed(stage)).toEqual([])
  })

  test('a failing post leaves the snapshot and makes the run incomplete', async () => {
    const stage = withHooks('pre', 'fail')
    expect((await run(stage)).targets[0]).toMatchObject({ outcome: 'incomplete', error: { code: 'EXEC_FAILED' } })
    expect(await listed(stage)).toEqual(['app'])
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })
})

describe('a group', () => {
  test('is captured in one window under one set id, its writers held', async () => {
    const stage = setJobStage(({ data }) => [
      { name: 'a', labels: enabled({ group: 'all' }), mounts: [data('one')] },
      { name: 'b', labels: enabled({ group: 'all' }), mounts: [data('two')] },
      { name: 'writer', labels: { 'xnai.backup.group-writer': 'all' }, dependsOn: ['a', 'b'] },
    ])
    const { targets } = await run(stage)
    expect(new Set(targets.map(({ set }) => set)).size).toBe(1)
    expect(stage.parts.engine.journal.slice(0, 3)).toEqual(['stop writer', 'stop b', 'stop a'])
    expect(stage.parts.engine.journal.slice(3)).toEqual(['start a', 'start b', 'start writer'])
  })
})
