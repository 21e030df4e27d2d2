import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { fileWorld } from '../fakes/engine-world.ts'
import { killAtEveryStep } from './kill-every-step.ts'
import { expectOrder, type KillStage, makeStage } from './kill-stage.ts'

const labels = { 'xnai.backup.paths': '/data', 'xnai.backup.verify.exec': '["true"]' }

/** The services of the stack as the engine shows them: a drill changes no start time and no journal line of theirs. */
async function services(stage: KillStage) {
  using world = fileWorld(join(stage.folder, 'world'))
  const all = await fakeEngine({ world }).list(new AbortController().signal)
  const acts = world.read().journal.filter((act) => !act.includes('xnai-scratch-'))
  const own = all.filter(({ project }) => project === 'shop')
  return { acts, started: own.map(({ name, state, startedAt }) => [name, state, startedAt]) }
}

async function expectNothingLeft(stage: KillStage, what: string): Promise<void> {
  using world = fileWorld(join(stage.folder, 'world'))
  expect(await fakeEngine({ world }).listScratch(new AbortController().signal), what).toEqual([])
  const volumes = join(stage.folder, 'world.volumes')
  expect(existsSync(volumes) ? readdirSync(volumes) : [], what).toEqual([])
  using catalog = openCatalog(stage.state)
  expect(catalog.intents(), what).toEqual([])
}

test('SIGKILL of a drill at every step: the next command leaves nothing of it, and the services were never touched (P14)', async () => {
  using stage = makeStage(labels)
  stage.write('wanted')
  await stage.product(['backup', 'app', '--json'])
  const content = stage.content()
  const before = await services(stage)
  const { killed, missed } = await killAtEveryStep(stage, ['verify', 'app', '--json'], {
    afterwards: async (dead, what) => {
      expect(await services(dead), what).toEqual(before)
      const next = await dead.product(['verify', 'app', '--json'])
      expect(next.json, `${what}: ${next.stderr}`).toMatchObject({
        outcome: 'complete',
        targets: [{ verdict: 'verified' }],
      })
      await expectNothingLeft(dead, what)
      await expectOrder(dead, what)
      expect(dead.content() === content, what).toBe(true)
      expect(await services(dead), what).toEqual(before)
    },
  })
  expect(missed).toEqual([])
  for (const step of [
    'engine.createNetwork 1',
    'engine.createVolume 1',
    'engine.createScratch 1',
    'repository.extract 1',
  ])
    expect(killed).toContain(step)
  expect(killed).toContain('engine.removeScratch 3')
  expect(killed.length).toBeGreaterThan(15)
})
