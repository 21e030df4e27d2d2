import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call } from '../../lab/product.ts'
import { expectNoLeftovers, expectWhole, type KillStage, orderly, setKillStage, victim } from './kill-stage.ts'

/** More steps than any run has: the loop ends where the victim survives. */
const tooMany = 300

let stage: KillStage

beforeAll(async () => {
  stage = await setKillStage('kill-files')
})

afterAll(() => stage.lab.stop())

describe('SIGKILL of the command line at every step (P1, P2, P6)', () => {
  test('of a backup: everything runs, nothing partial is listed, the next run succeeds', async () => {
    await write('backup')
    const killed = await killAtEveryStep(['backup', 'app', '--json'], {
      afterwards: async (step) => {
        const next = await stage.product(['backup', 'app', '--json'])
        expect(next.json, step).toMatchObject({ outcome: 'complete' })
        await expectOrder(step)
      },
    })
    expect(killed.length).toBeGreaterThan(15)
    await expectWhole(stage.product)
  })

  test('of a restore: the state before or the wanted one, never between, and the next run succeeds', async () => {
    await write('wanted')
    const wanted = await content()
    const { json } = await stage.product(['backup', 'app', '--json'])
    const restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--yes', '--json']
    let before = ''
    const killed = await killAtEveryStep(restore, {
      prepare: async () => {
        await write('before')
        before = await content()
      },
      afterwards: async (step) => {
        expect((await stage.product(['status', '--json'])).json.targets, step).toHaveLength(1)
        await expectOrder(step)
        expect([wanted, before], step).toContain(await content())
        expect((await stage.product(restore)).json, step).toMatchObject({ outcome: 'complete' })
        expect(await content(), step).toBe(wanted)
      },
    })
    expect(killed.length).toBeGreaterThan(20)
    await expectWhole(stage.product)
  })
})

/** Runs the victim with the kill one step later each time, until it survives; answers the steps at which it died. */
async function killAtEveryStep(
  args: string[],
  loop: { prepare?: () => Promise<void>; afterwards: (step: string) => Promise<void> },
): Promise<string[]> {
  const steps: string[] = []
  for (let killAt = 1; killAt < tooMany; killAt++) {
    await loop.prepare?.()
    const { call, step } = await runVictim(args, killAt)
    if (call.exitCode === 0) return steps
    expect(call.exitCode, `${step}: ${call.stderr}`).toBe(-1)
    steps.push(step)
    await loop.afterwards(`killed ${killAt}: ${step}`)
  }
  throw new Error(`the victim never survived: ${steps.join(', ')}`)
}

async function runVictim(args: string[], killAt: number): Promise<{ call: Call; step: string }> {
  const trace = join(stage.lab.dir, 'trace')
  rmSync(trace, { force: true })
  const env = { VICTIM_KILL_AT: String(killAt), VICTIM_TRACE: trace }
  const call = await stage.product(args, { program: victim, env })
  const step = existsSync(trace) ? (readFileSync(trace, 'utf8').trim().split('\n').at(-1) ?? '') : 'no step'
  return { call, step }
}

async function expectOrder(step: string): Promise<void> {
  expect(await stage.states(), step).toEqual(orderly)
  expectNoLeftovers(stage.product, step)
}

const write = (text: string) =>
  stage.inApp(
    `rm -rf /data/*; mkdir /data/folder; seq 1 50000 | sed "s/^/${text} /" > /data/folder/lines; ` +
      `ln -s folder/lines /data/link; echo ${text} > /data/word`,
  )

const content = () => stage.inApp('cd /data; find . | sort; cat folder/lines word | sha256sum')
