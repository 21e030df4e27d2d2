import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lab, startLab } from '../support/lab.ts'
import { type Call, type Product, productOf } from '../support/product.ts'

const victim = join(import.meta.dirname, 'victim.ts')
/** More steps than any run has: the loop ends where the victim survives. */
const tooMany = 300

let lab: Lab
let product: Product

beforeAll(async () => {
  lab = await startLab('kill-files')
  product = productOf(lab)
  mkdirSync(product.repository, { recursive: true })
  const quick = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done']
  const volumes = ['data:/data']
  const labels = { 'xnai.backup.enable': 'true', 'xnai.backup.paths': '/data' }
  await lab.run({ name: 'app', command: quick, volumes, labels })
  await lab.run({ name: 'peer', command: quick, volumes })
  await lab.run({
    name: 'client',
    command: quick,
    labels: { 'com.docker.compose.depends_on': 'app:service_started:false' },
  })
  await lab.run({ name: 'idle', command: quick, volumes })
  await lab.podman(['stop', '-t', '5', `${lab.project}-idle-1`])
})

afterAll(() => lab.stop())

describe('SIGKILL of the command line at every step', () => {
  test('of a backup: everything runs, nothing partial is listed, the next run succeeds', async () => {
    await write('backup')
    const killed = await killAtEveryStep(['backup', 'app', '--json'], async (step) => {
      const next = await product(['backup', 'app', '--json'])
      expect(next.json, step).toMatchObject({ outcome: 'complete' })
      await expectOrder(step)
    })
    expect(killed.length).toBeGreaterThan(15)
    await expectWhole()
  })

  test('of a restore: the state before or the wanted one, never between, and the next run succeeds', async () => {
    await write('wanted')
    const wanted = await content()
    const { json } = await product(['backup', 'app', '--json'])
    const restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--yes', '--json']
    const killed = await killAtEveryStep(
      restore,
      async (step) => {
        expect((await product(['status', '--json'])).json.targets, step).toHaveLength(1)
        await expectOrder(step)
        expect([wanted, before], step).toContain(await content())
        expect((await product(restore)).json, step).toMatchObject({ outcome: 'complete' })
        expect(await content(), step).toBe(wanted)
      },
      async () => {
        await write('before')
        before = await content()
      },
    )
    expect(killed.length).toBeGreaterThan(20)
    await expectWhole()
  })
})

let before = ''

/** Runs the victim with the kill one step later each time, until it survives; answers the steps at which it died. */
async function killAtEveryStep(
  args: string[],
  afterwards: (step: string) => Promise<void>,
  prepare: () => Promise<void> = async () => {},
): Promise<string[]> {
  const steps: string[] = []
  for (let killAt = 1; killAt < tooMany; killAt++) {
    await prepare()
    const { call, step } = await runVictim(args, killAt)
    if (call.exitCode === 0) return steps
    expect(call.exitCode, `${step}: ${call.stderr}`).toBe(-1)
    steps.push(step)
    await afterwards(`killed ${killAt}: ${step}`)
  }
  throw new Error(`the victim never survived: ${steps.join(', ')}`)
}

async function runVictim(args: string[], killAt: number): Promise<{ call: Call; step: string }> {
  const trace = join(lab.dir, 'trace')
  rmSync(trace, { force: true })
  const call = await product(args, { program: victim, env: { VICTIM_KILL_AT: String(killAt), VICTIM_TRACE: trace } })
  const step = existsSync(trace)
    ? (readFileSync(trace, 'utf8').trim().split('\n').at(-1) ?? '')
    : 'before the first step'
  return { call, step }
}

async function expectWhole(): Promise<void> {
  const { json } = await product(['check', '--read-data', '--json'])
  expect(json.repositories[0].damaged).toEqual([])
}

/** What ran runs, what was stopped is stopped, and nothing half done is left. */
async function expectOrder(step: string): Promise<void> {
  const names = ['app', 'client', 'idle', 'peer'].map((name) => `${lab.project}-${name}-1`)
  const states = await lab.podman(['container', 'inspect', '--format', '{{.Name}} {{.State.Status}}', ...names])
  const expected = names.map((name) => `${name} ${name.includes('-idle-') ? 'exited' : 'running'}`)
  expect(states.trim().split('\n'), step).toEqual(expected)
  const incoming = join(product.repository, '.incoming')
  expect(existsSync(incoming) ? readdirSync(incoming) : [], step).toEqual([])
}

const inApp = (script: string) => lab.podman(['exec', `${lab.project}-app-1`, 'sh', '-c', script])

async function write(text: string): Promise<void> {
  await inApp(
    `rm -rf /data/*; mkdir /data/folder; seq 1 50000 | sed "s/^/${text} /" > /data/folder/lines; ln -s folder/lines /data/link; echo ${text} > /data/word`,
  )
}

const content = () => inApp('cd /data; find . | sort; cat folder/lines word | sha256sum')
