import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KillLoop, killAtEveryStep } from './kill-every-step.ts'
import { expectOrder, expectWhole, type KillStage, makeStage, startVictim } from './kill-stage.ts'

// The processes of these containers take their time to end, as within a grace of many seconds. The engine goes on with a stop whose caller
// has died or left, and would end the container when all believe that it runs: time passes by `endStops` alone.

const only = 'stop under way'

let stage: KillStage
/** Data that a restore brings, and data that is there when it begins. */
let wanted: string
let before: string
let restore: string[]
const backup = ['backup', 'app', '--json']

beforeEach(async () => {
  stage = makeStage({ 'xnai.backup.paths': '/data' }, {}, { endsSlowly: true })
  stage.write('wanted')
  wanted = stage.content()
  const { json } = await stage.product(backup)
  restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--yes', '--json']
  stage.write('before')
  before = stage.content()
})
afterEach(() => stage[Symbol.dispose]())

/** Does everything run that ran before, for good? Is nothing partial listed? Does the next run succeed? */
async function askQuestions(left: KillStage, what: string, next: string[]): Promise<void> {
  await expectOrder(left, what)
  left.endStops()
  await expectOrder(left, `${what}, when every stop has come to its end`)
  expect([before, wanted].includes(left.content()), `${what}: the data is as before or as wanted`).toBe(true)
  expect((await left.product(next)).json, what).toMatchObject({ outcome: 'complete' })
  await expectOrder(left, what)
  await expectWhole(left, what)
}

const commands: [name: string, argsOf: () => string[], stops: number, signal: 'SIGTERM' | 'SIGINT'][] = [
  ['backup', () => backup, 2, 'SIGTERM'],
  ['restore', () => restore, 3, 'SIGINT'],
]

describe.each(commands)('inside every slow stop of a %s', (_name, argsOf, stops, signal) => {
  const strike = async (loop: Pick<KillLoop, 'abort' | 'afterwards'>) => {
    const { killed, missed } = await killAtEveryStep(stage, argsOf(), { only, ...loop })
    expect(missed).toEqual([])
    expect(killed).toHaveLength(stops)
  }

  test('SIGKILL: the next command waits for the end of the stop (P1, P2, P6)', async () => {
    await strike({
      afterwards: async (dead, what) => {
        expect(Object.values(await dead.states()), what).toContain('stopping')
        expect((await dead.product(['status', '--json'])).json.targets, what).toHaveLength(1)
        await askQuestions(dead, what, argsOf())
      },
    })
  })

  test(`${signal}: the command itself waits for it (P1, P2, P6)`, async () => {
    const afterwards = (left: KillStage, what: string) => askQuestions(left, what, argsOf())
    await strike({ abort: { signal, exitCode: 130 }, afterwards })
  })
})

test('SIGKILL of the recovery inside the slow stop that it waits for (P1, P2)', async () => {
  await startVictim(stage, backup, { VICTIM_KILL_BEFORE: `${only} 2` }).death
  expect(Object.values(await stage.states())).toContain('stopping')
  const { killed } = await killAtEveryStep(stage, ['status', '--json'], {
    only,
    // The status tells of the run that failed.
    exitCode: 1,
    afterwards: async (dead, what) => {
      expect((await dead.product(['status', '--json'])).json.targets, what).toHaveLength(1)
      await askQuestions(dead, what, backup)
    },
  })
  expect(killed).toEqual([`${only} 1`])
})
