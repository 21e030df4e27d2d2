import { afterEach, beforeEach, expect, test } from 'vitest'
import { killAtEveryStep } from './kill-every-step.ts'
import { expectOrder, type KillStage, makeStage } from './kill-stage.ts'

let stage: KillStage

beforeEach(() => {
  const unit = { autoRemove: true, systemdUnit: 'app.service', unit: 'app.service' } as const
  stage = makeStage({ 'xnai.backup.paths': '/data' }, unit)
})
afterEach(() => stage[Symbol.dispose]())

test('SIGKILL of a restore of a container that only its systemd unit makes anew: no state between (P1, P6)', async () => {
  stage.write('wanted')
  const wanted = stage.content()
  const { json } = await stage.product(['backup', 'app', '--json'])
  const restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--yes', '--json']
  stage.write('before')
  const allowed = [wanted, stage.content()]

  const { killed, missed } = await killAtEveryStep(stage, restore, {
    // Until the way back is there, nothing has been replaced.
    after: 'staged.publish 1',
    afterwards: async (dead, what) => {
      expect((await dead.product(['backup', 'app', '--json'])).json, what).toMatchObject({ outcome: 'complete' })
      await expectOrder(dead, what)
      expect(allowed.includes(dead.content()), `${what}: the data is as before or as wanted`).toBe(true)
    },
  })
  expect(missed).toEqual([])
  expect(killed).toEqual(expect.arrayContaining(['units.start 1', 'repository.extract 1']))
})
