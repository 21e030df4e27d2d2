import { describe, expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { currentPlan } from '../../../src/job/current-plan.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const backUp = async (stage: JobStage) =>
  (await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)).targets[0]

/** A service, and a Quadlet beside it that writes the same data. */
const withQuadlet = (labels: Record<string, string>, autoRemove = true) =>
  setJobStage(({ data }) => [
    { name: 'db', labels: enabled(labels), mounts: [data('files')] },
    { name: 'quadlet', mounts: [data('files')], ...(autoRemove && { autoRemove }), systemdUnit: 'quadlet.service' },
  ])

const makeRemovable = async ({ parts, signal }: JobStage) =>
  parts.engine.change((await parts.engine.inspect('quadlet', signal))?.id ?? '', { autoRemove: true })

describe('a writer that is removed when it stops', () => {
  test('breaks the target, and a scheduled run touches nothing', async () => {
    const stage = withQuadlet({})
    const { plan } = await currentPlan(stage.parts, stage.signal)
    expect(plan.broken).toMatchObject([{ name: 'db', problems: [{ label: 'xnai.backup.quiesce' }] }])
    expect(stage.parts.engine.journal).toEqual([])
  })

  test('that came after the plan was asked for: the run fails under its locks, and touches nothing', async () => {
    const stage = withQuadlet({}, false)
    const targets = await stage.targets()
    await makeRemovable(stage)
    const { targets: results } = await runBackup(stage.parts, targets, { reason: 'manual' }, stage.signal)
    expect(results[0]).toMatchObject({ outcome: 'failed', error: { code: 'TARGET_BROKEN' } })
    expect(stage.parts.engine.journal).toEqual([])
  })

  test('that took the place of another one in the last moment is left alone, and what was held runs again', async () => {
    const stage = withQuadlet({}, false)
    const { engine } = stage.parts
    const stop = engine.stop
    engine.stop = async (...call) => {
      await makeRemovable(stage)
      return stop(...call)
    }
    expect(await backUp(stage)).toMatchObject({ outcome: 'failed', error: { code: 'QUIESCE_FAILED' } })
    expect(engine.journal).toEqual(['stop db', 'start db'])
    expect(await stage.states()).toEqual({ db: 'running', quadlet: 'running' })
    expect(stage.parts.catalog.claimOrphans()).toEqual([])
  })

  test('is backed up with a pause, and its restore is refused before anything is touched', async () => {
    const stage = withQuadlet({ quiesce: 'pause' })
    expect(await backUp(stage)).toMatchObject({ outcome: 'complete', stopped: expect.arrayContaining(['quadlet']) })
    const acts = [...stage.parts.engine.journal]
    const plan = await planRestore(
      stage.parts,
      { targets: [{ project: 'shop', name: 'db' }], at: 'latest' },
      stage.signal,
    )
    const { targets } = await runRestore(stage.parts, plan, { safety: true }, stage.signal)
    expect(targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'RESTORE_REFUSED' } })
    expect(targets[0]?.error?.message).toContain('quadlet of the systemd unit quadlet.service')
    expect(targets[0]?.error?.hint).toContain('--to DIR')
    expect(stage.parts.engine.journal).toEqual(acts)
    expect(await stage.states()).toEqual({ db: 'running', quadlet: 'running' })
  })
})
