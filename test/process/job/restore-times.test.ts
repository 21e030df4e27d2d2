import { describe, expect, test } from 'vitest'
import { runBackup } from '../../../src/job/backup.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { controlService } from '../../../src/job/service-control.ts'
import type { Target } from '../../../src/plan/plan.ts'
import { lastDowntime } from '../../../src/report/last-downtime.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

/** A stage whose monotonic clock moves only by `pass`, and by 2 s with each start of a container. */
function timedStage() {
  const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
  let seconds = 0
  const { parts } = stage
  parts.clock = { ...parts.clock, monotonicMs: () => seconds * 1000 }
  const { start } = parts.engine
  parts.engine.start = async (...call) => {
    seconds += 2
    await start(...call)
  }
  const pass = (more: number) => {
    seconds += more
  }
  return Object.assign(stage, { pass })
}

const backup = async (stage: JobStage) =>
  runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)

async function restore(stage: JobStage, begunMs?: number) {
  const plan = await planRestore(stage.parts, { targets: await stage.targets(), at: 'latest' }, stage.signal)
  const options = { safety: true, ...(begunMs !== undefined && { begunMs }) }
  return (await runRestore(stage.parts, plan, options, stage.signal)).targets[0]
}

/** Lets seconds pass while a tree is extracted. */
function extractSlowly(stage: ReturnType<typeof timedStage>, seconds: number): void {
  const { local } = stage
  stage.local = {
    ...local,
    extract: async (...call) => {
      stage.pass(seconds)
      return await local.extract(...call)
    },
  }
}

describe('the result of a restore', () => {
  test('counts from the begin of the command, and says for how long services were down', async () => {
    const stage = timedStage()
    await backup(stage)
    extractSlowly(stage, 30)
    const begunMs = stage.parts.clock.monotonicMs()
    stage.pass(5)
    expect(await restore(stage, begunMs)).toMatchObject({ outcome: 'complete', seconds: 37, downtimeSeconds: 32 })
  })

  test('stands in the catalog, by which the next dry run forecasts the stop', async () => {
    const stage = timedStage()
    await backup(stage)
    const target = { project: 'shop', name: 'app' }
    expect(lastDowntime(stage.parts, target)).toMatchObject({ kind: 'backup', seconds: 2 })
    extractSlowly(stage, 30)
    await restore(stage)
    expect(lastDowntime(stage.parts, target)).toMatchObject({ kind: 'restore', seconds: 32 })
    expect(lastDowntime(stage.parts, { ...target, name: 'other' })).toBeUndefined()
  })

  test.for(['stopped', 'paused'] as const)('says that a %s service is left as it was', async (state) => {
    const stage = timedStage()
    await backup(stage)
    if (state === 'stopped') await stage.parts.engine.stop('app', 1, stage.signal)
    else await stage.parts.engine.pause('app', stage.signal)
    const result = await restore(stage)
    expect(result).toMatchObject({ outcome: 'complete', left: state, checks: [{ ok: true }], downtimeSeconds: 0 })
    expect(await stage.states()).toEqual({ app: state })
  })

  test('says nothing of a service that runs again', async () => {
    const stage = timedStage()
    await backup(stage)
    expect(await restore(stage)).not.toHaveProperty('left')
  })
})

test('a stop of the service itself counts until it runs again', async () => {
  const stage = timedStage()
  const [target] = (await stage.targets()) as [Target]
  const told: number[] = []
  const control = controlService(
    stage.parts,
    target,
    { heldDown: false, onDown: (one) => void told.push(one) },
    stage.signal,
  )
  await control.stop()
  stage.pass(7)
  await control.settle()
  expect(told).toEqual([9])
})
