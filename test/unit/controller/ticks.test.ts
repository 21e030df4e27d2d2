import { getTasks } from 'node-cron'
import { expect, test } from 'vitest'
import { minuteTicks } from '../../../src/controller/ticks.ts'

test('ticks come at full minutes, and disposing leaves no task behind', () => {
  const ticks = minuteTicks(() => {})
  const [task] = [...getTasks().values()]
  expect(task?.getNextRun()?.getSeconds()).toBe(0)
  expect(task?.msToNext()).toBeLessThanOrEqual(60_000)
  ticks[Symbol.dispose]()
  expect(getTasks().size).toBe(0)
})
