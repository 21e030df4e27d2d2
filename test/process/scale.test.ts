import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Engine, ListOptions } from '../../src/engine/engine.ts'
import { runBackup } from '../../src/job/backup.ts'
import { observeTargets } from '../../src/report/observe.ts'
import { openArchive } from '../../src/repository/archive.ts'
import type { Snapshot } from '../../src/repository/repository.ts'
import { run } from '../support/cli.ts'
import { enabled, type JobStage, setJobStage } from './job/stage.ts'

const never = new AbortController().signal

/** The engine, and how often each of its calls that take a request was made. */
function counting(engine: Engine) {
  const calls: Record<string, number> = {}
  const counted = new Proxy(engine, {
    get: (target, name: keyof Engine) => {
      const value = target[name]
      if (typeof value !== 'function') return value
      calls[name] = (calls[name] ?? 0) + 1
      return value.bind(target)
    },
  })
  return { engine: counted, calls }
}

test('a pass, plan, status and list ask the engine as often for 500 containers as for one', async () => {
  const stageOf = (containers: number, labelled: number) =>
    setJobStage(({ data }) =>
      Array.from({ length: containers }, (_, index) => ({
        name: `app-${index}`,
        imageId: 'one image',
        ...(index < labelled && { labels: enabled(), mounts: [data(`files-${index}`)] }),
      })),
    )
  const ask = async ({ parts, local }: JobStage) => {
    const { engine, calls } = counting(parts.engine)
    const targets = (await observeTargets({ ...parts, engine }, never)).plan.targets.length
    const pass = { ...calls }
    for (const command of ['plan', 'status', 'list']) await run([command, '--json'], { ...parts, engine, local })
    return { targets, pass, calls }
  }
  const one = await ask(stageOf(1, 1))
  const many = await ask(stageOf(500, 100))
  expect(one.pass).toMatchObject({ list: 1 })
  expect(many).toEqual({ ...one, targets: 100 })
})

test('a pass, and the look for newcomers, may be told what was inspected before; the plan of a run inspects anew', async () => {
  const { parts, targets } = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
  const asked: ListOptions[] = []
  const engine: Engine = {
    ...parts.engine,
    list: (signal, options = {}) => {
      asked.push(options)
      return parts.engine.list(signal, options)
    },
  }
  await observeTargets({ ...parts, engine }, never)
  expect(asked.splice(0)).toEqual([{ recalls: true }])
  await runBackup({ ...parts, engine }, await targets(), { reason: 'manual' }, never)
  expect(asked.map(({ recalls = false }) => recalls)).toEqual([false, true])
})

test('status and list read no manifest that the catalog knows', async () => {
  const stage = setJobStage(({ data }) => [{ name: 'app', labels: enabled(), mounts: [data('files')] }])
  const { catalog } = stage.parts
  for (let count = 0; count < 5; count++)
    await runBackup(stage.parts, await stage.targets(), { reason: 'manual' }, never)
  // The files count as settled when they are some seconds old.
  const clock = { ...stage.parts.clock, now: () => new Date(stage.parts.clock.now().getTime() + 60_000) }
  const local = openArchive(join(stage.folder, 'backups'), { manifests: catalog.manifests, clock })
  const surroundings = { ...stage.parts, clock, local }
  const listed = await run(['list', '--json'], surroundings)
  expect(sizes(listed.json())).toHaveLength(5)
  const known = [...catalog.manifests.read(local.url).values()]
  const entries = known.map((entry) => ({ ...entry, snapshot: { ...entry.snapshot, storedBytes: 4711 } }))
  catalog.manifests.update(local.url, { entries, gone: [] })
  expect(sizes((await run(['list', '--json'], surroundings)).json())).toEqual([4711, 4711, 4711, 4711, 4711])
  const status = (await run(['status', '--json'], surroundings)).json() as { repositories: unknown[] }
  expect(status.repositories).toMatchObject([{ snapshots: 5, storedBytes: 5 * 4711 }])
})

const sizes = (document: unknown): number[] =>
  (document as { snapshots: Snapshot[] }).snapshots.map(({ storedBytes }) => storedBytes)
