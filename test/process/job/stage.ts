import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import { currentPlan } from '../../../src/job/current-plan.ts'
import type { Parts } from '../../../src/job/job.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { methods } from '../../../src/methods/index.ts'
import type { Target } from '../../../src/plan/plan.ts'
import { openArchive } from '../../../src/repository/archive.ts'
import type { Repository } from '../../../src/repository/repository.ts'
import { type FakeContainer, type FakeEngine, type FakeEngineOptions, fakeEngine } from '../../fakes/engine.ts'
import { memoryWorld } from '../../fakes/engine-world.ts'
import { fakeUnits } from '../../fakes/units.ts'
import { manualSettings } from '../../support/manual-settings.ts'

/** Real catalog, archive and files below one folder; only the engine is a fake, and one that throws on idle acts. */
export interface JobStage {
  parts: Parts & { engine: FakeEngine }
  folder: string
  signal: AbortSignal
  /** A bind mount of a new folder in the stage, with one file in it. */
  data(name: string, destination?: string): NonNullable<FakeContainer['mounts']>[number]
  targets(): Promise<Target[]>
  states(): Promise<Record<string, string>>
  /** The repository of the tier `local`; assigning wraps it. */
  local: Repository
}

export function setJobStage(
  make: (stage: Pick<JobStage, 'data'>) => FakeContainer[],
  options: Pick<FakeEngineOptions, 'commands' | 'networks' | 'images' | 'missingImages'> = {},
): JobStage {
  const folder = mkdtempSync(join(tmpdir(), 'job-'))
  mkdirSync(join(folder, 'backups'))
  const data: JobStage['data'] = (name, destination = '/data') => {
    const source = join(folder, name)
    mkdirSync(source, { recursive: true })
    writeFileSync(join(source, 'word'), name)
    return { kind: 'bind', source, destination, writable: true }
  }
  const containers = make({ data }).map((one) => ({ project: 'shop', service: one.name, number: 1, ...one }))
  const world = memoryWorld()
  const engine = fakeEngine({ world, containers, volumes: join(folder, 'volumes'), ...options, forbidIdleActs: true })
  const catalog = openCatalog(join(folder, 'state'))
  onTestFinished(() => {
    catalog[Symbol.dispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  const parts = {
    engine,
    units: fakeUnits(world),
    catalog,
    repositories: new Map([['local' as const, openArchive(join(folder, 'backups'))]]),
    methods,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    settings: manualSettings,
    host: 'machine',
    ownPath: (path: string) => path,
  }
  const signal = new AbortController().signal
  const { repositories } = parts
  return {
    get local() {
      return repositories.get('local') as Repository
    },
    set local(repository) {
      repositories.set('local', repository)
    },
    parts,
    folder,
    signal,
    data,
    targets: async () => (await currentPlan(parts, signal)).plan.targets,
    states: async () => Object.fromEntries((await engine.list(signal)).map(({ name, state }) => [name, state])),
  }
}

export const enabled = (labels: Record<string, string> = {}) =>
  Object.fromEntries(Object.entries({ enable: 'true', ...labels }).map(([key, value]) => [`xnai.backup.${key}`, value]))

/** Extracts whole trees and calls `fail`, and fails, the first time: what was put back must be undone. */
export function failOnce(stage: JobStage, fail: () => void = () => {}): void {
  const { local } = stage
  let failed = false
  stage.local = {
    ...local,
    extract: async (...call) => {
      await local.extract(...call)
      if (failed) return
      failed = true
      fail()
      throw new Error('the disk went away')
    },
  }
}
