import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { connectManager } from '../../../src/engine/systemd/manager.ts'
import { connectUnits } from '../../../src/engine/systemd.ts'
import { knowingUnits, type Units } from '../../../src/engine/units.ts'
import { fakeEngine } from '../../fakes/engine.ts'
import { type MockSystemd, startMockSystemd } from '../../support/mock-systemd.ts'
import { standalone } from '../../unit/plan/build.ts'

/** Stands for what Podman starts: a process, whose number is printed. */
const start = ['sh', '-c', 'sleep 600 >/dev/null 2>&1 & echo $!']
const stop = ['true']
const never = new AbortController().signal

let folder: string
let systemd: MockSystemd
let units: Units

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'systemd-'))
  systemd = await startMockSystemd(folder, {
    'app.service': { start, stop: ['sleep', '0.3'] },
    'ssh.service': { start, stop },
    'base.service': { start, stop, properties: { RequiredBy: ['top.service', 'idle.service'] } },
    'top.service': { start, stop },
    'idle.service': { start, stop },
    'fails.service': { start: ['false'], stop },
    'stubborn.service': { start, stop, service: { ExecMainCode: 2, ExecMainStatus: 9 } },
    'once.service': { start, stop, properties: { Transient: true } },
  })
  units = connectUnits([[{ path: systemd.path, isBus: true }]])
})
afterAll(async () => {
  const running = ['app', 'ssh', 'base', 'top', 'once']
  const pids = await Promise.all(running.map(async (name) => (await unitOf(`${name}.service`))?.mainPid ?? 0))
  for (const pid of pids.filter((one) => one > 0)) process.kill(pid)
  await systemd?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

async function unitOf(name: string) {
  using manager = await connectManager({ path: systemd.path, isBus: true }, never)
  return await manager.unit(name, true)
}

/** The container that a unit of the mock runs now. */
async function containerOf(name: string, facts: Partial<ContainerFacts> = {}) {
  const pid = (await unitOf(name))?.mainPid ?? 0
  const own = { autoRemove: true as const, systemdUnit: name, unit: name, processes: [pid, 1] }
  return { ...standalone(name, { ...own, ...facts }), unit: name }
}

describe('systemd on a bus, which is a mock here', () => {
  test('starts a unit, tells that it holds its container, and stops it', async () => {
    await units.start('app.service', 30, never)
    const app = await containerOf('app.service')
    expect(await units.holderOf(app, never)).toEqual({ unit: 'app.service', drags: [] })
    await units.start('app.service', 30, never)
    expect(await units.stop(app, never)).toEqual({ killed: false })
    expect(await unitOf('app.service')).toMatchObject({ activeState: 'inactive', mainPid: 0, hasJob: false })
  })

  test('tells that a main process which is the one of the container itself was ended by SIGKILL', async () => {
    await units.start('stubborn.service', 30, never)
    const app = await containerOf('stubborn.service')
    expect(await units.stop(app, never)).toEqual({ killed: true })
    process.kill(app.processes?.[0] ?? 0)
  })

  test('stops no unit that a label names and that does not run this very container', async () => {
    await units.start('ssh.service', 30, never)
    const liar = await containerOf('ssh.service', { processes: [4242, 4241] })
    expect(await units.holderOf(liar, never)).toEqual({
      problem: 'ssh.service is not the unit that runs this container',
    })
    await expect(units.stop(liar, never)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
    expect(await unitOf('ssh.service')).toMatchObject({ activeState: 'active' })
  })

  test('stops no unit while another one that needs it runs, and names it', async () => {
    await units.start('base.service', 30, never)
    await units.start('top.service', 30, never)
    const base = await containerOf('base.service')
    expect(await units.holderOf(base, never)).toEqual({ unit: 'base.service', drags: ['top.service'] })
    await expect(units.stop(base, never)).rejects.toThrow('a stop of base.service would also stop top.service')
    expect(await unitOf('base.service')).toMatchObject({ activeState: 'active' })
  })

  test('refuses a unit that could not be started again, and one that no systemd runs', async () => {
    await units.start('once.service', 30, never)
    const problems = [await containerOf('once.service'), await containerOf('idle.service')].map(
      async (one) => await units.holderOf(one, never),
    )
    expect(await Promise.all(problems)).toEqual([
      { problem: 'once.service could not be started again: it is a transient unit' },
      { problem: 'idle.service is not the unit that runs this container' },
    ])
    const other = standalone('x', { systemdUnit: 'gone.service', autoRemove: true })
    expect(await units.holderOf(other, never)).toEqual({ problem: 'systemd does not run gone.service' })
    expect(await units.holderOf({ ...other, systemdUnit: '../x; reboot' }, never)).toEqual({
      problem: '../x; reboot is no name of a service',
    })
  })

  test('says that a start failed, and that a unit is gone', async () => {
    await expect(units.start('fails.service', 30, never)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
    await expect(units.start('gone.service', 30, never)).rejects.toMatchObject({ code: 'NO_SUCH_CONTAINER' })
  })

  test('is not in reach without a socket: the label alone says nothing', async () => {
    const none = connectUnits([[{ path: join(folder, 'no-bus'), isBus: true }]])
    const app = await containerOf('app.service')
    expect(await none.holderOf(app, never)).toBeUndefined()
    await expect(none.start('app.service', 5, never)).rejects.toMatchObject({ code: 'UNIT_FAILED' })
  })

  test('is asked for containers that are removed when they stop, and for no others', async () => {
    await units.start('app.service', 30, never)
    const { processes = [] } = await containerOf('app.service')
    const engine = fakeEngine({
      containers: [
        { name: 'app', autoRemove: true, systemdUnit: 'app.service', processes },
        { name: 'stays', systemdUnit: 'app.service', processes },
      ],
    })
    const found = await knowingUnits(engine, units).list(never)
    expect(found.map(({ name, unit }) => [name, unit])).toEqual([
      ['app', 'app.service'],
      ['stays', undefined],
    ])
  })
})
