import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import type { Repository } from '../../../src/repository/repository.ts'
import { brittleServer } from '../../fakes/brittle-server.ts'
import { run as command } from '../../support/cli.ts'
import { asMethod } from '../../support/whole-method.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const never = new AbortController().signal
const what = 'finish the restore of shop/db'
const allRunning = { db: 'running', tool: 'running', web: 'running', other: 'running' }
const keptDown = { ...allRunning, db: 'stopped', tool: 'stopped', web: 'stopped' }

let stage: JobStage
let whole: Repository
beforeEach(() => {
  stage = setJobStage(({ data }) => {
    const mounts = [data('files')]
    return [
      { name: 'db', labels: enabled({ clients: 'web' }), mounts },
      { name: 'tool', mounts },
      { name: 'web' },
      { name: 'other', labels: enabled(), mounts: [data('others')] },
    ]
  })
  whole = stage.local
})

const word = () => join(stage.folder, 'files/word')
const backUp = async (name: string) => {
  const targets = (await stage.targets()).filter((target) => target.name === name)
  const { targets: results } = await runBackup(stage.parts, targets, { reason: 'manual' }, never)
  return results[0]
}
const restore = async (at = 'latest') => {
  const plan = await planRestore(stage.parts, { targets: [{ project: 'shop', name: 'db' }], at }, never)
  const { targets } = await runRestore(stage.parts, plan, { safety: true }, never)
  return targets[0]
}

/** Nothing can be put back any more, or not these snapshots. */
const loseDisk = (isLost: (id: string) => boolean = () => true) => {
  const extract: Repository['extract'] = (snapshot, ...rest) =>
    isLost(snapshot.id) ? Promise.reject(new Error('no disk at all')) : whole.extract(snapshot, ...rest)
  stage.local = { ...whole, extract }
}

/** A restore of `db` that has failed, and its roll back too. Answers the id of the snapshot that was to be restored. */
async function failBothWays(): Promise<string> {
  const { snapshot = '' } = (await backUp('db')) ?? {}
  writeFileSync(word(), 'before')
  loseDisk()
  expect(await restore()).toMatchObject({ outcome: 'failed', rolledBack: false, error: { code: 'ROLLBACK_FAILED' } })
  return snapshot
}

describe('data that is between two states', () => {
  test('is served by nobody: service, clients and writers stay down until the roll back is done', async () => {
    await failBothWays()
    expect(await stage.states()).toEqual(keptDown)
    const failing = await recover(stage.parts, never)
    expect(failing.done).toEqual([])
    expect(failing.problems[0]).toContain(`${what}: `)
    expect(await stage.states()).toEqual(keptDown)
    stage.local = whole
    const { done, problems } = await recover(stage.parts, never)
    expect([done[0], problems]).toEqual([what, []])
    expect(readFileSync(word(), 'utf8')).toBe('before')
    expect(await stage.states()).toEqual(allRunning)
    expect(stage.parts.catalog.intents()).toEqual([])
  })

  test('stays so where the restore was killed and the repository is away', async () => {
    const { snapshot: id = '' } = (await backUp('db')) ?? {}
    const { catalog, engine } = stage.parts
    const ref = { tier: 'local' as const, id }
    const names = ['db', 'tool', 'web']
    const intents = [
      { kind: 'roll-back', project: 'shop', target: 'db', snapshot: ref, safety: ref, keepsDown: names } as const,
      ...names.map(
        (name) => ({ kind: 'resume', how: 'start', container: { id: name, name }, startTimeoutSeconds: 9 }) as const,
      ),
    ]
    for (const intent of intents) catalog.abandonIntent(catalog.addIntent(intent))
    for (const name of names) await engine.stop(name, 1, never)
    stage.local = { ...whole, list: () => Promise.reject(new Error('no route')) }
    await recover(stage.parts, never)
    expect(await stage.states()).toEqual(keptDown)
    stage.local = whole
    await recover(stage.parts, never)
    expect(await stage.states()).toEqual(allRunning)
  })

  test('is shown by status with a way out, exit code 1, and is not backed up, while others are', async () => {
    await failBothWays()
    const listed = (await whole.list(never)).length
    const surroundings = { ...stage.parts, local: stage.local }
    const { json, exitCode } = await command(['status', '--json'], surroundings)
    expect(exitCode).toBe(1)
    expect(json()).toMatchObject({
      recovery: expect.arrayContaining([what]),
      problems: [
        {
          target: 'db',
          reason: expect.stringContaining('db, web, tool must not run'),
          hint: expect.stringContaining('restore shop/db --at ID'),
        },
      ],
    })
    expect(await backUp('db')).toMatchObject({ outcome: 'failed', error: { code: 'ROLLBACK_FAILED' } })
    expect(await whole.list(never)).toHaveLength(listed)
    expect(await backUp('other')).toMatchObject({ outcome: 'complete' })
  })

  test('is gone when another snapshot is restored in its place, which no later roll back undoes', async () => {
    const id = await failBothWays()
    const [intent] = stage.parts.catalog.intents().filter(({ kind }) => kind === 'roll-back')
    const safety = intent?.kind === 'roll-back' ? intent.safety?.id : undefined
    loseDisk((lost) => lost === safety)
    expect(await restore(id)).toMatchObject({ outcome: 'complete' })
    expect(await stage.states()).toEqual(allRunning)
    expect(stage.parts.catalog.intents()).toEqual([])
    stage.local = whole
    expect(await recover(stage.parts, never)).toMatchObject({ done: [], problems: [] })
    expect(readFileSync(word(), 'utf8')).toBe('files')
  })

  test('is not served by a server that its method starts and stops itself', async () => {
    stage = setJobStage(({ data }) => [{ name: 'db', labels: enabled({ method: 'redis' }), mounts: [data('files')] }])
    whole = stage.local
    stage.parts.methods = { ...stage.parts.methods, redis: asMethod(brittleServer) }
    writeFileSync(word(), 'good')
    await backUp('db')
    writeFileSync(word(), 'before')
    const prove = async () => [{ name: 'word', expected: 'this', actual: 'that', ok: false }]
    stage.parts.methods.redis = asMethod({ ...brittleServer, prove })
    expect(await restore()).toMatchObject({ error: { code: 'ROLLBACK_FAILED' } })
    expect(await stage.states()).toEqual({ db: 'stopped' })
    stage.parts.methods.redis = asMethod(brittleServer)
    expect(await recover(stage.parts, never)).toMatchObject({ problems: [] })
    expect(readFileSync(word(), 'utf8')).toBe('before')
    expect(await stage.states()).toEqual({ db: 'running' })
  })
})
