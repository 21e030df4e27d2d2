import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { containerLock } from '../../../src/catalog/keys.ts'
import type { ContainerFacts } from '../../../src/engine/engine.ts'
import { runBackup } from '../../../src/job/backup.ts'
import { recover } from '../../../src/job/recover.ts'
import { planRestore } from '../../../src/job/restore/plan.ts'
import { runRestore } from '../../../src/job/restore.ts'
import { controlService } from '../../../src/job/service-control.ts'
import type { FakeContainer } from '../../fakes/engine.ts'
import { enabled, type JobStage, setJobStage } from './stage.ts'

const quadlet = { autoRemove: true, systemdUnit: 'app.service', unit: 'app.service' } as const

/** A Quadlet with data, and a writer of the same data that is one of compose. */
const withQuadlet = (labels: Record<string, string> = {}, more: Partial<FakeContainer> = {}, commands = {}) =>
  setJobStage(
    ({ data }) => [
      {
        name: 'systemd-app',
        labels: enabled({ name: 'app', ...labels }),
        mounts: [data('files')],
        ...quadlet,
        ...more,
      },
      { name: 'peer', mounts: [data('files')] },
    ],
    commands,
  )

const backUp = async (stage: JobStage) =>
  (await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, stage.signal)).targets[0]

async function restore(stage: JobStage, signal = stage.signal) {
  const request = { targets: [{ project: 'shop', name: 'app' }], at: 'latest' as const }
  const plan = await planRestore(stage.parts, request, stage.signal)
  return (await runRestore(stage.parts, plan, { safety: true }, signal)).targets[0]
}

const idOf = async ({ parts, signal }: JobStage) => (await parts.engine.inspect('systemd-app', signal))?.id

const wordOf = ({ folder }: JobStage) => readFileSync(join(folder, 'files/word'), 'utf8')

const running = { 'systemd-app': 'running', peer: 'running' }

/** Nothing is left to be undone, and everything runs. */
async function expectOrder(stage: JobStage) {
  expect(await stage.states()).toEqual(running)
  expect(stage.parts.catalog.intents()).toEqual([])
}

describe('a container that a systemd unit holds', () => {
  test('is stopped and started by its unit for a backup, and never by the engine', async () => {
    const stage = withQuadlet()
    const before = await idOf(stage)
    expect(await backUp(stage)).toMatchObject({ outcome: 'complete', stopped: ['peer', 'systemd-app'], warnings: [] })
    const acts = ['stop peer', 'stop unit app.service', 'start unit app.service', 'start peer']
    expect(stage.parts.engine.journal).toEqual(acts)
    expect(await idOf(stage)).not.toBe(before)
    await expectOrder(stage)
  })

  test('gets its exec-post, whose container has another id than that of its exec-pre', async () => {
    const hooks = { 'exec-pre': '["before"]', 'exec-post': '["after"]' }
    const ids: string[] = []
    const note = ({ container }: { container: ContainerFacts }) => {
      ids.push(container.id)
      return { exitCode: 0, stdout: '' }
    }
    const stage = withQuadlet(hooks, {}, { commands: [note] })
    expect(await backUp(stage)).toMatchObject({ outcome: 'complete' })
    expect(ids).toHaveLength(2)
    expect(ids[0]).not.toBe(ids[1])
  })

  test('that somebody starts in the window makes the run fail', async () => {
    const stage = withQuadlet()
    const { local } = stage
    stage.local = {
      ...local,
      stage: async (...call) => {
        await stage.parts.units?.start('app.service', 5, stage.signal)
        return local.stage(...call)
      },
    }
    const result = await backUp(stage)
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'NOT_STILL' } })
    expect(result?.error?.message).toContain('systemd-app')
    await expectOrder(stage)
  })

  test('is restored in place: its unit is stopped, and the labels of the service are verified in the new container', async () => {
    const asked: string[] = []
    const note = ({ container }: { container: ContainerFacts }) => {
      asked.push(container.id)
      return { exitCode: 0, stdout: '' }
    }
    const stage = withQuadlet({ 'verify.exec': '["check"]' }, {}, { commands: [note] })
    await backUp(stage)
    writeFileSync(join(stage.folder, 'files/word'), 'changed')
    expect(await restore(stage)).toMatchObject({ outcome: 'complete', rolledBack: false })
    expect(wordOf(stage)).toBe('files')
    expect(asked).toEqual([await idOf(stage)])
    await expectOrder(stage)
  })

  test('whose restore fails gets its data and its unit back', async () => {
    const labels = { 'verify.exec': '["check"]', 'start-timeout': '1s' }
    const stage = withQuadlet(labels, {}, { commands: [() => ({ exitCode: 1, stdout: '' })] })
    await backUp(stage)
    writeFileSync(join(stage.folder, 'files/word'), 'changed')
    expect(await restore(stage)).toMatchObject({ outcome: 'failed', rolledBack: true })
    expect(wordOf(stage)).toBe('changed')
    await expectOrder(stage)
  })

  test('and that is paused is found as it was after a restore', async () => {
    const stage = withQuadlet()
    await backUp(stage)
    await stage.parts.engine.pause((await idOf(stage)) ?? '', stage.signal)
    expect(await restore(stage)).toMatchObject({ outcome: 'complete' })
    expect(await stage.states()).toEqual({ ...running, 'systemd-app': 'paused' })
    expect(stage.parts.catalog.intents()).toEqual([])
  })

  test('is a target, and a stopped one, for every plan that is made while a run holds it', async () => {
    const stage = withQuadlet({}, { environment: { PASSWORD: 'secret' } })
    const [target] = await stage.targets()
    if (!target) throw new Error('no target')
    const service = controlService(stage.parts, target, { heldDown: false }, stage.signal)
    await service.stop()
    expect(await stage.states()).toEqual({ peer: 'running' })
    expect(await service.state()).toBe('stopped')
    const [meanwhile] = await stage.targets()
    expect(meanwhile).toMatchObject({ name: 'app', container: { name: 'systemd-app', state: 'stopped' } })
    expect(meanwhile?.touched.map(({ name }) => name)).toContain('systemd-app')
    expect(JSON.stringify(stage.parts.catalog.intents())).not.toContain('secret')
    await service.settle()
    await expectOrder(stage)
  })

  test('is started by its unit after the death of the run that held it', async () => {
    const stage = withQuadlet()
    const { catalog, engine, units } = stage.parts
    const [target] = await stage.targets()
    if (!target || !units) throw new Error('no target')
    const service = controlService(stage.parts, target, { heldDown: false }, stage.signal)
    await service.stop()
    const { intents } = catalog
    const [intent] = intents()
    if (!intent) throw new Error('no intent')
    catalog.abandonIntent(catalog.addIntent(intent))
    expect(await recover(stage.parts, stage.signal)).toMatchObject({
      done: ['start container systemd-app'],
      problems: [],
    })
    expect(engine.journal.filter((act) => act.startsWith('start'))).toEqual(['start unit app.service'])
    expect((await stage.states())['systemd-app']).toBe('running')
  })

  test('is left to every later recovery while its systemd does not answer', async () => {
    const stage = withQuadlet()
    const { catalog, units } = stage.parts
    const [target] = await stage.targets()
    if (!target || !units) throw new Error('no target')
    await controlService(stage.parts, target, { heldDown: false }, stage.signal).stop()
    const [intent] = catalog.intents()
    if (!intent) throw new Error('no intent')
    catalog.abandonIntent(catalog.addIntent(intent))
    const { start } = units
    const away = async () => {
      throw new Error('systemd is away')
    }
    units.start = away
    expect((await recover(stage.parts, stage.signal)).problems).toHaveLength(1)
    units.start = start
    expect((await recover(stage.parts, stage.signal)).problems).toEqual([])
    expect((await stage.states())['systemd-app']).toBe('running')
    using _free = catalog.lock([containerLock('systemd-app')], 'test')
  })

  test('whose container ends at once when it comes back is left to every later recovery', async () => {
    const stage = withQuadlet({ 'start-timeout': '5s' })
    const { engine, units } = stage.parts
    if (!units) throw new Error('no units')
    const { inspect } = engine
    const { start } = units
    units.start = async (...call) => {
      await start(...call)
      const id = await idOf(stage)
      engine.inspect = async (asked, signal) => {
        // It is there in the list, and gone a moment later.
        if (asked === id && (await inspect(asked, signal))) engine.remove(asked)
        return inspect(asked, signal)
      }
    }
    expect(await backUp(stage)).toMatchObject({ outcome: 'incomplete', error: { code: 'RESUME_FAILED' } })
    expect(await stage.states()).toEqual({ peer: 'running' })
    Object.assign(units, { start })
    Object.assign(engine, { inspect })
    expect(await recover(stage.parts, stage.signal)).toMatchObject({
      done: ['start container systemd-app'],
      problems: [],
    })
    await expectOrder(stage)
  })

  test('and has a volume without a name is not stopped: the volume would go with it', async () => {
    const name = 'a'.repeat(64)
    const stage = withQuadlet({ paths: '/data' })
    const app = await idOf(stage)
    const { engine } = stage.parts
    const facts = await engine.inspect(app ?? '', stage.signal)
    const scratch = { kind: 'volume' as const, name, source: `/volumes/${name}`, destination: '/cache', writable: true }
    engine.change(app ?? '', { mounts: [...(facts?.mounts ?? []), scratch] })
    expect(await stage.targets()).toEqual([])
    expect(engine.journal).toEqual([])
  })
})
