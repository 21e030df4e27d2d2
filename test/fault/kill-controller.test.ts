import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../lab/lab.ts'
import { type Product, productOf } from '../../lab/product.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { startDaemon } from '../support/product-daemon.ts'
import { expectNoLeftovers, expectWhole, type KillStage, orderly, setKillStage, victim } from './kill-stage.ts'

const tooMany = 200

let stage: KillStage

beforeAll(async () => {
  stage = await setKillStage('kill-controller', { 'xnai.backup.schedule': '@daily' })
  await stage.inApp('seq 1 50000 > /data/lines')
})

afterAll(() => stage.lab.stop())

describe('SIGKILL of the controller (P1, P2)', () => {
  test('at every step of a backup: the next start brings everything back, and a backup succeeds', async () => {
    let killed = 0
    while (killed < tooMany && (await killController(killed + 1))) killed++
    expect(killed).toBeGreaterThan(15)
    expect(killed).toBeLessThan(tooMany)
    await expectWhole(stage.product)
  })
})

/** False when the controller finished its backup before the step came. */
async function killController(killAt: number): Promise<boolean> {
  const product = withMissedSlot(killAt)
  const trace = join(product.state, 'trace')
  const env = { VICTIM_KILL_AT: String(killAt), VICTIM_TRACE: trace }
  const stepsOf = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : [])
  await using daemon = startDaemon(product, { program: victim, env })
  // The schedule is saved last: steps after that belong to the next pass.
  const last = () => stepsOf().indexOf('catalog.saveSchedule') + 1
  await eventually(() => daemon.exit() || last() > 0, 60, 'the controller to be killed')
  if (last() > 0 && last() < killAt) return false
  await eventually(() => daemon.exit(), 10, 'the signal to arrive')
  expect(daemon.exit()?.signal, daemon.log()).toBe('SIGKILL')

  const step = `killed ${killAt}: ${stepsOf().at(-1)}`
  rmSync(join(product.state, 'heartbeat'), { force: true })
  await using next = startDaemon(product)
  await eventually(() => existsSync(join(product.state, 'heartbeat')), 30, `${step}: the next start`)
  await eventually(async () => JSON.stringify(await stage.states()) === JSON.stringify(orderly), 60, step)
  expect(await next.end(), step).toBe(0)
  expectNoLeftovers(product, step)
  const backup = await product(['backup', 'app', '--json'])
  expect(backup.json, step).toMatchObject({ outcome: 'complete' })
  expect(await stage.states(), step).toEqual(orderly)
  return true
}

/** A state of its own, in which the daily slot was missed: the controller runs it at once (P10). */
function withMissedSlot(number: number): Product {
  const product = productOf(stage.lab, `run-${number}`)
  mkdirSync(product.repository, { recursive: true })
  using catalog = openCatalog(product.state)
  const firstSeen = new Date(performance.timeOrigin - 2 * 86_400_000).toISOString()
  catalog.saveSchedule(stage.lab.project, 'app', { firstSeen })
  return product
}
