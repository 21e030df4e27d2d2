import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { killAtEveryStep } from './kill-every-step.ts'
import { expectOrder, expectWhole, type KillStage, makeStage } from './kill-stage.ts'

let stage: KillStage
let ids: string[]

const listed = async (one: KillStage): Promise<string[]> =>
  (await one.product(['list', '--json'])).json.snapshots.map(({ id }: { id: string }) => id)

beforeAll(async () => {
  stage = makeStage({ 'xnai.backup.paths': '/data', 'xnai.backup.retention.local': 'last=2' })
  for (const word of ['one', 'two', 'three', 'four']) {
    stage.write(word)
    await stage.product(['backup', 'app'])
  }
  ids = await listed(stage)
})
afterAll(() => stage[Symbol.dispose]())

test('SIGKILL at every step of prune: what it keeps is there, all that is listed is whole, and the next one ends it', async () => {
  const { killed, missed } = await killAtEveryStep(stage, ['prune'], {
    afterwards: async (dead, what) => {
      const left = await listed(dead)
      expect(left, what).toEqual(ids.slice(-left.length))
      expect(left.length, what).toBeGreaterThanOrEqual(2)
      await expectWhole(dead, what)
      const next = await dead.product(['prune', '--json'])
      expect(next.json, what).toMatchObject({ outcome: 'complete' })
      expect(await listed(dead), what).toEqual(ids.slice(-2))
      await expectOrder(dead, what)
      using catalog = openCatalog(dead.state)
      using _pins = catalog.pin(ids.map((id) => ({ tier: 'local', id })))
    },
  })
  expect(killed).toEqual(expect.arrayContaining(['catalog.takeForRemoval 1', 'repository.remove 1']))
  expect(missed).toEqual([])
})
