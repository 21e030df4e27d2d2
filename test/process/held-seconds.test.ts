import { expect, test } from 'vitest'
import { container, run } from '../support/cli.ts'
import { backupShape, planShape, statusShape } from '../support/json-shapes.ts'
import { setOneApp } from '../support/one-app.ts'

test('backup, snapshot, status and plan say how long each container was held', async () => {
  const { folder, engine, stage } = setOneApp()
  const mounts = [{ kind: 'bind' as const, source: `${folder}/data`, destination: '/srv', writable: true }]
  engine.add(container('peer', { mounts, dependsOn: ['app'] }))
  expect(planShape.parse((await run(['plan', '--json'], stage)).json()).targets).toMatchObject([{ lastStop: null }])

  const [backup] = backupShape.parse((await run(['backup', 'app', '--json'], stage)).json()).targets
  const heldSeconds: Record<string, number> = backup?.heldSeconds ?? {}
  // Who depends on the other one stops first, and comes back last.
  expect(backup?.stopped).toEqual(['shop-peer-1', 'shop-app-1'])
  expect(heldSeconds['shop-peer-1']).toBeGreaterThanOrEqual(heldSeconds['shop-app-1'] ?? Number.NaN)
  expect(backup?.downtimeSeconds).toBeGreaterThanOrEqual(heldSeconds['shop-peer-1'] ?? Number.NaN)

  const [snapshot] = await stage.local.list(AbortSignal.timeout(60_000))
  expect(snapshot?.heldSeconds).toEqual(heldSeconds)
  const status = statusShape.parse((await run(['status', '--json'], stage)).json())
  expect(status.targets[0]?.lastRun).toMatchObject({ heldSeconds })
  const plan = planShape.parse((await run(['plan', '--json'], stage)).json())
  expect(plan.targets[0]?.lastStop).toMatchObject({ heldSeconds })
  expect((await run(['plan', '--wide'], stage)).stdout).toMatch(/stops shop-peer-1, shop-app-1, last for \d/)
})
