import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { BackupError } from '../../src/errors.ts'
import { farSlot } from '../support/far-slot.ts'
import { killAtEveryStep } from './kill-every-step.ts'
import { kindsNotOnPodman } from './kill-kinds.ts'
import { expectOrder, expectWhole, type KillStage, leftovers, makeStage, orderly, type Victim } from './kill-stage.ts'

/** The schedule is saved when a backup is done. */
const lastStep = 'catalog.saveSchedule'

let stage: KillStage

/** A daily slot was missed: the controller runs it at once (P10). */
beforeAll(() => {
  stage = makeStage({ 'xnai.backup.paths': '/data', 'xnai.backup.schedule': farSlot() }, {}, { endsSlowly: true })
  stage.write('data')
  using catalog = openCatalog(stage.state)
  const firstSeen = new Date(performance.timeOrigin - 2 * 86_400_000).toISOString()
  catalog.saveSchedule('shop', 'app', { firstSeen })
})
afterAll(() => stage[Symbol.dispose]())

describe('the end of the controller (P1, P2)', () => {
  test('by SIGTERM inside every slow stop of a backup: it waits for its end, and brings everything back', async () => {
    const { killed, missed } = await killAtEveryStep(stage, ['run'], {
      steering: { VICTIM_LAST: lastStep },
      only: 'stop under way',
      abort: { signal: 'SIGTERM', exitCode: 0 },
      attend: endAfterBackup,
      afterwards: async (left, what) => {
        left.endStops()
        await expectOrder(left, what)
        expect((await left.product(['backup', 'app', '--json'])).json, what).toMatchObject({ outcome: 'complete' })
        await expectWhole(left, what)
      },
    })
    expect(missed).toEqual([])
    expect(killed).toHaveLength(2)
  })

  test('by SIGKILL at every step of a backup: the next start brings everything back, and a backup succeeds', async () => {
    const { killed, missed } = await killAtEveryStep(stage, ['run'], {
      steering: { VICTIM_LAST: lastStep },
      attend: endAfterBackup,
      afterwards: async (dead, what) => {
        await startNext(dead, what)
        await expectOrder(dead, what)
        const backup = await dead.product(['backup', 'app', '--json'])
        expect(backup.json, what).toMatchObject({ outcome: 'complete' })
        await expectOrder(dead, what)
        await expectWhole(dead, what)
      },
    })
    expect(missed.filter((step) => !isOfPass(step))).toEqual([])
    expect(killed).toEqual(expect.arrayContaining([`${lastStep} 1`, 'stop under way 2']))
    expect(kindsNotOnPodman(killed)).toEqual([])
    expect(killed.length).toBeGreaterThan(15)
  })
})

/** A step that every pass takes; how many passes fall into a backup differs from run to run. */
const isOfPass = (step: string) => /^(catalog\.lock|catalog\.claimOrphans|repository\.sweep) /.test(step)

/** Ends a controller that was not killed. */
async function endAfterBackup(victim: Victim): Promise<void> {
  let isOver = false
  void victim.death.then(() => {
    isOver = true
  })
  await eventually(() => isOver || victim.steps().includes(lastStep), 60, 'the end of the backup')
  if (!isOver) victim.terminate()
}

/** Starts the controller anew, and ends it in good order once all is as it was. */
async function startNext(dead: KillStage, what: string): Promise<void> {
  const heartbeat = join(dead.state, 'heartbeat')
  rmSync(heartbeat, { force: true })
  const stop = new AbortController()
  const next = dead.product(['run'], stop.signal)
  await eventually(() => existsSync(heartbeat), 60, `${what}: the next start`)
  const isOrderly = async () => JSON.stringify(await dead.states()) === JSON.stringify(orderly)
  await eventually(async () => leftovers(dead.repository).length === 0 && (await isOrderly()), 60, what)
  stop.abort(new BackupError('INTERRUPTED', 'the test ends it'))
  expect((await next).exitCode, what).toBe(0)
}
