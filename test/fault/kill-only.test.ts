import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { killAtEveryStep } from './kill-every-step.ts'
import { kindsNotOnPodman } from './kill-kinds.ts'
import { expectOrder, expectWhole, type KillStage, makeStage } from './kill-stage.ts'

const fileOf = (stage: KillStage, name: string) => join(stage.folder, 'data', name)
const read = (stage: KillStage, name: string) => readFileSync(fileOf(stage, name), 'utf8')

test('SIGKILL of a restore of one path at every step: that path is as before or as wanted, all others as they are', async () => {
  using stage = makeStage()
  stage.write('wanted')
  const { json } = await stage.product(['backup', 'app', '--json'])
  const restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--only', 'word', '--yes', '--json']
  stage.write('before')
  const others = read(stage, 'folder/lines')
  // What comes before is the same as in a restore of the whole tree.
  const { killed, missed } = await killAtEveryStep(stage, restore, {
    after: 'repository.stage 1',
    afterwards: async (dead, what) => {
      // What is written after the kill is no part of what was asked for.
      writeFileSync(fileOf(dead, 'precious'), 'written since')
      await dead.product(['status', '--json'])
      await expectOrder(dead, what)
      expect(['before', 'wanted'], what).toContain(read(dead, 'word'))
      expect([read(dead, 'folder/lines') === others, read(dead, 'precious')], what).toEqual([true, 'written since'])
      expect((await dead.product(restore)).json, what).toMatchObject({ outcome: 'complete' })
      expect([read(dead, 'word'), read(dead, 'precious')], what).toEqual(['wanted', 'written since'])
      await expectWhole(dead, what)
    },
  })
  expect(missed).toEqual([])
  expect(killed).toContain('repository.extract 1')
  expect(kindsNotOnPodman(killed)).toEqual([])
})
