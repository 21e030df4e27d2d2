import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Lab, servicesImage, startLab } from '../../../lab/lab.ts'
import { type Product, productOf } from '../../../lab/product.ts'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { connectEngine } from '../../../src/engine/podman.ts'
import { connectUnits } from '../../../src/engine/systemd.ts'
import { knowingUnits, type Units } from '../../../src/engine/units.ts'
import { podmanKills } from '../../fault/kill-kinds.ts'
import { leftovers } from '../../fault/kill-stage.ts'
import { farSlot } from '../../support/far-slot.ts'
import { startMockSystemd } from '../../support/mock-systemd.ts'
import { startDaemon } from '../../support/product-daemon.ts'
import { victim } from '../../support/victims.ts'

const orderly = { app: 'running', client: 'running', idle: 'exited', peer: 'running' }

let lab: Lab
let product: Product
let restore: string[]
let wanted: string

beforeAll(async () => {
  lab = await startLab('kill')
  product = productOf(lab)
  mkdirSync(product.repository, { recursive: true })
  await startServices()
  await write('wanted')
  wanted = await content()
  const { json } = await product(['backup', 'app', '--json'])
  restore = ['restore', 'app', '--at', json.targets[0].snapshot, '--yes', '--json']
})
afterAll(() => lab?.stop())

describe('SIGKILL beside containers of Podman, at one step of each kind (P1, P2, P6)', () => {
  const kills = Object.entries({ backup: podmanKills.backup, restore: podmanKills.restore })
  const cases = kills.flatMap(([command, steps]) => steps.map((step) => ({ command, step })))
  test.each(cases)(
    'of a $command before $step: all is in order, and the next run succeeds',
    async ({ command, step }) => {
      await write('before')
      const before = await content()
      const args = command === 'restore' ? restore : ['backup', 'app', '--json']
      const call = await product(args, { program: victim, env: { VICTIM_KILL_BEFORE: step } })
      expect(call.exitCode, call.stderr).toBe(-1)
      expect((await product(['backup', 'app', '--json'])).json).toMatchObject({ outcome: 'complete' })
      await expectOrder(product)
      expect([before, wanted]).toContain(await content())
    },
  )

  test.each(podmanKills.slowBackup)(
    'of a backup at %s, within its grace: the next command waits for its end, and all is in order',
    async (step) => {
      const { name } = await lab.run({
        name: 'slow',
        // A signal that comes before it is ready is lost.
        command: ['sh', '-c', 'trap "sleep 4; exit 0" TERM; : >/data/up; sleep infinity & wait'],
        volumes: ['slow:/data'],
        labels: { 'xnai.backup.enable': 'true', 'xnai.backup.paths': '/data', 'xnai.backup.stop-timeout': '60s' },
      })
      await eventually(async () => (await lab.exec(name, ['ls', '/data'])).includes('up'), 60, 'the slow service')
      const backup = ['backup', 'slow', '--json']
      const call = await product(backup, { program: victim, env: { VICTIM_KILL_BEFORE: step } })
      expect(call.exitCode, call.stderr).toBe(-1)
      expect((await lab.inspect(name)).State.Status).toBe('stopping')
      expect((await product(['status', '--json'])).json.targets).toHaveLength(2)
      const { State } = await lab.inspect(name)
      expect(State).toMatchObject({ Status: 'running' })
      expect((await product(backup)).json).toMatchObject({ outcome: 'complete', targets: [{ warnings: [] }] })
      expect((await lab.inspect(name)).State.Status).toBe('running')
      await lab.podman(['rm', '--force', '--time', '0', name])
      await expectOrder(product)
    },
  )

  test.each(podmanKills.controller)(
    'of a controller before %s: the next one brings all in order, and the next run succeeds',
    async (step) => {
      const missed = productWithMissedSlot(step)
      const env = { VICTIM_KILL_BEFORE: step }
      await using daemon = startDaemon(missed, { program: victim, env })
      await eventually(() => daemon.exit(), 60, 'SIGKILL')
      expect(daemon.exit()?.signal, daemon.log()).toBe('SIGKILL')

      const heartbeat = join(missed.state, 'heartbeat')
      rmSync(heartbeat, { force: true })
      await using next = startDaemon(missed)
      await eventually(() => existsSync(heartbeat), 60, 'the next start')
      await eventually(async () => JSON.stringify(await states()) === JSON.stringify(orderly), 60, 'running containers')
      await eventually(() => leftovers(missed.repository).length === 0, 60, 'the removal of what is half done')
      expect(await next.end()).toBe(0)
      await expectOrder(missed)
      expect((await missed(['backup', 'app', '--json'])).json).toMatchObject({ outcome: 'complete' })
      await expectOrder(missed)
    },
  )

  test('after all of them a restore succeeds, and every snapshot is whole', async () => {
    expect((await product(restore)).json).toMatchObject({ outcome: 'complete' })
    expect(await content()).toBe(wanted)
    const { json } = await product(['check', '--read-data', '--json'])
    expect(json.repositories[0].damaged).toEqual([])
  })
})

describe('a container with --rm, whose systemd is a mock on a bus of its own', () => {
  test('is a problem without the bus; with it: backup, SIGKILL while its unit is stopped, restore', async () => {
    const name = `${lab.project}-quadlet`
    const folder = join(lab.dir, 'files/bus')
    mkdirSync(folder, { recursive: true })
    const unit = {
      start: ['sh', '-c', startOf(name)],
      stop: ['podman', 'rm', '--force', '--time', '5', '--ignore', name],
    }
    await using systemd = await startMockSystemd(folder, { 'quadlet.service': unit }, lab.env)
    const units = connectUnits([[{ path: systemd.path, isBus: true }]])
    await units.start('quadlet.service', 60, AbortSignal.timeout(60_000))

    const quadlet = productOf(lab, 'quadlet')
    mkdirSync(quadlet.repository, { recursive: true })
    const away = { XNAI_BACKUP_PROJECT: '', DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${join(folder, 'none')}` }
    const reason = expect.stringContaining('quadlet.service')
    const broken = (await quadlet(['plan', '--json'], { env: away })).json.targets
    expect(broken).toContainEqual(
      expect.objectContaining({ target: name, problems: [expect.objectContaining({ reason })] }),
    )

    const env = { ...away, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${systemd.path}` }
    const inQuadlet = (script: string) => lab.exec(name, ['sh', '-c', script])
    await inQuadlet('echo wanted > /data/word')
    const first = (await lab.inspect(name)).Id
    const backup = await quadlet(['backup', name, '--json'], { env })
    expect(backup.json, backup.stderr).toMatchObject({
      outcome: 'complete',
      targets: [{ stopped: [name], warnings: [] }],
    })
    expect((await lab.inspect(name)).Id).not.toBe(first)

    await inQuadlet('echo changed > /data/word')
    const killed = { ...env, VICTIM_KILL_BEFORE: 'repository.stage 1' }
    expect((await quadlet(['backup', name, '--json'], { program: victim, env: killed })).exitCode).toBe(-1)
    await expect(lab.inspect(name)).rejects.toThrow()
    const args = ['restore', name, '--at', backup.json.targets[0].snapshot, '--yes', '--json']
    const restored = await quadlet(args, { env })
    expect(restored.json, restored.stderr).toMatchObject({ outcome: 'complete' })
    expect(await inQuadlet('cat /data/word')).toBe('wanted\n')
    expect((await lab.inspect(name)).State.Status).toBe('running')
    expect(leftovers(quadlet.repository)).toEqual([])
    await units.stop(await factsOf(units, name), AbortSignal.timeout(60_000))
  })
})

/** As Podman's generator writes it for a Quadlet. It prints the process that systemd would look after. */
const startOf = (name: string) => `set -e
  podman run --detach --rm --replace --network none --name ${name} --label PODMAN_SYSTEMD_UNIT=quadlet.service \\
    --label xnai.backup.enable=true --label xnai.backup.paths=/data --volume ${name}:/data ${servicesImage} \\
    sh -c 'trap "exit 0" TERM; sleep infinity & wait' >/dev/null
  podman inspect --format '{{.State.ConmonPid}}' ${name}`

/** The container of the unit, as the product sees it. */
async function factsOf(units: Units, name: string) {
  const engine = knowingUnits(connectEngine(`unix://${lab.socket}`), units)
  const found = await engine.inspect(name, AbortSignal.timeout(60_000))
  if (found?.unit === undefined) throw new Error(`no unit holds ${name}`)
  return { ...found, unit: found.unit }
}

/**
 * A target, a writer of its volume that has no label, a client of it, and a writer that is stopped. All are quick to
 * stop.
 */
async function startServices(): Promise<void> {
  const command = ['sh', '-c', 'trap "exit 0" TERM; sleep infinity & wait']
  const volumes = ['data:/data']
  const own = { 'xnai.backup.enable': 'true', 'xnai.backup.paths': '/data', 'xnai.backup.schedule': farSlot() }
  await lab.run({ name: 'app', command, volumes, labels: own })
  await lab.run({ name: 'peer', command, volumes })
  await lab.run({ name: 'client', command, labels: { 'com.docker.compose.depends_on': 'app:service_started:false' } })
  await lab.run({ name: 'idle', command, volumes })
  await lab.podman(['stop', '-t', '5', nameOf('idle')])
}

const nameOf = (service: string) => `${lab.project}-${service}-1`

const inApp = (script: string) => lab.exec(nameOf('app'), ['sh', '-c', script])

const write = (word: string) =>
  inApp(
    `rm -rf /data/*; mkdir /data/folder; seq 1 50000 | sed "s/^/${word} /" > /data/folder/lines; ` +
      `ln -s folder/lines /data/link; echo ${word} > /data/word`,
  )

const content = () => inApp('cd /data; find . | sort; cat folder/lines word | sha256sum')

async function states(): Promise<Record<string, string>> {
  const services = Object.keys(orderly)
  const found = services.map(async (service) => [service, (await lab.inspect(nameOf(service))).State.Status])
  return Object.fromEntries(await Promise.all(found))
}

/** What ran runs, what was stopped is stopped, and nothing half done is left. */
async function expectOrder({ repository }: Product): Promise<void> {
  expect(await states()).toEqual(orderly)
  expect(leftovers(repository)).toEqual([])
}

/** A state of its own, in which the daily slot was missed: the controller runs it at once (P10). */
function productWithMissedSlot(step: string): Product {
  const missed = productOf(lab, `missed-${step.replaceAll(' ', '-')}`)
  mkdirSync(missed.repository, { recursive: true })
  using catalog = openCatalog(missed.state)
  const firstSeen = new Date(performance.timeOrigin - 2 * 86_400_000).toISOString()
  // A slot of the drills may lie in the last days.
  catalog.saveSchedule(lab.project, 'app', { firstSeen, lastDrillSlot: new Date().toISOString() })
  return missed
}
