import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { killAtEveryStep } from './kill-every-step.ts'
import { expectOrder, type KillStage, makeStage } from './kill-stage.ts'

let stage: KillStage
/** The data of the broken service. */
let before: string
let wanted: string
let refused: string

const restore = (snapshot: string) => ['restore', 'app', '--at', snapshot, '--yes', '--json']

beforeEach(async () => {
  stage = makeStage({ 'xnai.backup.method': 'redis', 'xnai.backup.group': 'all' })
  const backUp = async (word: string): Promise<string> => {
    stage.write(word)
    return (await stage.product(['backup', 'app', '--json'])).json.targets[0].snapshot
  }
  wanted = await backUp('wanted')
  refused = await backUp('refused')
  stage.write('broken')
  before = stage.content()
})
afterEach(() => stage[Symbol.dispose]())

test('SIGKILL of a restore over a broken service, and of its raw roll back: the very state before (P1, P6)', async () => {
  const { killed, missed } = await killAtEveryStep(stage, restore(refused), {
    exitCode: 1,
    // Until the way back is taken, it is killed as every restore is.
    after: 'bytes pass 1',
    afterwards: async (dead, what) => {
      await dead.product(['status', '--json'])
      await expectOrder(dead, what)
      expect(dead.content() === before, `${what}: the data is as before`).toBe(true)
      expect((await dead.product(restore(wanted))).json, what).toMatchObject({ outcome: 'complete', targets: [raw] })
      expect(readFileSync(join(dead.folder, 'data/word'), 'utf8'), what).toBe('wanted')
      await expectOrder(dead, what)
    },
  })
  expect(missed).toEqual([])
  expect(killed).toContain('repository.extract 1')
  expect(killed.length).toBeGreaterThan(10)
})

const raw = { safety: 'raw' }
