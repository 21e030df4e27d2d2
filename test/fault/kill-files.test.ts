import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { killAtEveryStep } from './kill-every-step.ts'
import { kindsNotOnPodman } from './kill-kinds.ts'
import { expectOrder, expectWhole, type KillStage, makeStage, startVictim } from './kill-stage.ts'

let stage: KillStage
/** Content of the snapshot that is restored. */
let wanted: string
/** Content that is there when the restore begins. */
let before: string
let restore: string[]

beforeEach(async () => {
  stage = makeStage()
  stage.write('wanted')
  wanted = stage.content()
  const { json } = await stage.product(['backup', 'app', '--json'])
  restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--yes', '--json']
  stage.write('before')
  before = stage.content()
})
afterEach(() => stage[Symbol.dispose]())

/**
 * The next command finishes what the dead one left: everything is in order, and the data is one of `allowed`. Then a
 * restore succeeds.
 */
async function expectRestorable(dead: KillStage, what: string, allowed: string[]): Promise<void> {
  const status = await dead.product(['status', '--json'])
  expect(status.json.targets, what).toHaveLength(1)
  await expectOrder(dead, what)
  expect(allowed.includes(dead.content()), `${what}: the data is as before or as wanted`).toBe(true)
  expect((await dead.product(restore)).json, what).toMatchObject({ outcome: 'complete' })
  expect(dead.content() === wanted, `${what}: the data is as wanted`).toBe(true)
  await expectOrder(dead, what)
  await expectWhole(dead, what)
}

describe('SIGKILL of the command line at every step (P1, P2, P6)', () => {
  test.each([
    ['of a backup', {}, 'repository.stage 1'],
    ['of a backup whose tree is prepared before the stop', { VICTIM_PREPARE: 'yes' }, 'repository.prepare 1'],
  ])('%s: everything runs, nothing partial is listed, the next run succeeds', async (_what, steering, itsStep) => {
    const { killed, missed } = await killAtEveryStep(stage, ['backup', 'app', '--json'], {
      steering,
      afterwards: async (dead, what) => {
        const next = await dead.product(['backup', 'app', '--json'])
        expect(next.json, what).toMatchObject({ outcome: 'complete' })
        await expectOrder(dead, what)
        await expectWhole(dead, what)
        expect(dead.content() === before, `${what}: the data is as it was`).toBe(true)
      },
    })
    expect(missed).toEqual([])
    expect(killed).toContain(itsStep)
    expect(kindsNotOnPodman(killed)).toEqual([])
    expect(killed.length).toBeGreaterThan(15)
  })

  test('of a restore: the state before or the wanted one, never between, and the next run succeeds', async () => {
    const { killed, missed } = await killAtEveryStep(stage, restore, {
      afterwards: (dead, what) => expectRestorable(dead, what, [before, wanted]),
    })
    expect(missed).toEqual([])
    expect(kindsNotOnPodman(killed)).toEqual([])
    expect(killed.length).toBeGreaterThan(20)
  })

  test('of the roll back of a restore that failed: the state before, and the next run succeeds', async () => {
    const { killed, missed } = await killAtEveryStep(stage, restore, {
      steering: { VICTIM_FAIL: 'repository.extract' },
      exitCode: 1,
      after: 'bytes pass 2',
      afterwards: (dead, what) => expectRestorable(dead, what, [before]),
    })
    expect(missed).toEqual([])
    expect(killed).toContain('repository.extract 2')
    expect(kindsNotOnPodman(killed)).toEqual([])
    expect(killed.length).toBeGreaterThan(8)
  })

  test('of the recovery of a restore that was killed: the state before, and the next run succeeds', async () => {
    await startVictim(stage, restore, { VICTIM_KILL_BEFORE: 'bytes pass 2' }).death
    const { killed, missed } = await killAtEveryStep(stage, ['status', '--json'], {
      afterwards: (dead, what) => expectRestorable(dead, what, [before]),
    })
    expect(missed).toEqual([])
    expect(killed).toContain('repository.extract 1')
    expect(kindsNotOnPodman(killed)).toEqual([])
    expect(killed.length).toBeGreaterThan(10)
  })
})
