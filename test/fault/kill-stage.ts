import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Call } from '../../lab/product.ts'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import { type FakeContainer, fakeEngine } from '../fakes/engine.ts'
import { fileWorld } from '../fakes/engine-world.ts'
import { callHere } from '../support/call-here.ts'
import { makeMemoryFolder } from '../support/memory-folder.ts'
import { victim } from '../support/victims.ts'
import { openPartsInWorld } from './world-parts.ts'

/** The states of a stage before a run; they MUST be the same after it, whatever happened. */
export const orderly = { app: 'running', client: 'running', idle: 'stopped', peer: 'running' }

/** A stack on a fake engine, with data, a repository and a state directory, all below one folder. */
export interface KillStage extends Disposable {
  readonly folder: string
  readonly repository: string
  readonly state: string
  /** Environment of a product or a victim on this stage. */
  readonly env: Record<string, string>
  /** Runs a command of the product in this process; it first finishes what dead runs left behind. */
  product(args: string[], signal?: AbortSignal): Promise<Call>
  /** State of each container by its service. */
  states(): Promise<Record<string, string>>
  /** See `FakeEngine.endStops`. */
  endStops(): void
  /** Replaces the data by other data. */
  write(word: string): void
  /** All of the data: equal only where it is the same. */
  content(): string
}

/** A victim at work. */
export interface Victim {
  /** Its steps so far. */
  steps(): string[]
  /** Settles when the process has ended, killed or not. */
  death: Promise<Death>
  /** Sends SIGTERM. */
  terminate(): void
}

/** What one victim did. */
export interface Death {
  /** False where its run ended before the step came. */
  killed: boolean
  exitCode: number | null
  stderr: string
  /** The steps up to the one at which it died. */
  steps: string[]
}

/**
 * A target, a writer of its data that has no label, a client of it, and a writer that is stopped. `app` adds to the facts of the target,
 * `all` to those of each container.
 */
export function makeStage(
  labels: Record<string, string> = { 'xnai.backup.paths': '/data' },
  app: Partial<FakeContainer> = {},
  all: Partial<FakeContainer> = {},
): KillStage {
  const folder = makeMemoryFolder('kill-stage')
  for (const name of ['data', 'backups']) mkdirSync(join(folder, name))
  using world = fileWorld(join(folder, 'world'))
  const engine = fakeEngine({ world })
  const mounts = [{ kind: 'bind' as const, source: join(folder, 'data'), destination: '/data', writable: true }]
  const add = (service: string, facts: object) =>
    engine.add({ name: `shop-${service}-1`, project: 'shop', service, number: 1, ...all, ...facts })
  add('app', { mounts, labels: { 'xnai.backup.enable': 'true', ...labels }, ...app })
  add('peer', { mounts, labels: { 'xnai.backup.group-writer': 'all' } })
  add('client', { dependsOn: ['app'] })
  add('idle', { mounts, state: 'stopped' })
  return openStage(folder)
}

/** A stage in the same state, for one run. What a dead process left is copied too. */
export function copyStage({ folder }: KillStage): KillStage {
  const copy = makeMemoryFolder('kill-stage')
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true })
  using world = fileWorld(join(copy, 'world'))
  world.update(({ containers, units }) => {
    const all = [...containers, ...Object.values(units)]
    for (const mount of all.flatMap(({ mounts }) => mounts)) mount.source = join(copy, 'data')
  })
  return openStage(copy)
}

function openStage(folder: string): KillStage {
  const [data, repository, state] = [join(folder, 'data'), join(folder, 'backups'), join(folder, 'state')]
  const world = fileWorld(join(folder, 'world'))
  const engine = fakeEngine({ world })
  const env = {
    XNAI_BACKUP_LOCAL: `archive:${repository}`,
    XNAI_BACKUP_STATE: state,
    XNAI_BACKUP_PROJECT: 'shop',
    XNAI_BACKUP_LISTEN: 'off',
    // A slot of the drills may lie in the last days.
    XNAI_BACKUP_DRILL: 'off',
  }
  return {
    folder,
    repository,
    state,
    env: { ...env, VICTIM_WORLD: join(folder, 'world') },
    product: (args, signal) => callHere(args, env, { open: openPartsInWorld(join(folder, 'world')), signal }),
    states: async () => {
      const containers = await engine.list(new AbortController().signal)
      return Object.fromEntries(containers.map(({ service, state }) => [service, state]).sort())
    },
    endStops: () => engine.endStops(),
    write: (word) => {
      rmSync(data, { recursive: true })
      mkdirSync(join(data, 'folder'), { recursive: true })
      writeFileSync(join(data, 'folder/lines'), `${word} a line of data\n`.repeat(5000))
      symlinkSync('folder/lines', join(data, 'link'))
      writeFileSync(join(data, 'word'), word)
    },
    content: () => {
      const names = readdirSync(data, { recursive: true }).sort().join(' ')
      const files = ['folder/lines', 'word'].map((name) => readFileSync(join(data, name), 'utf8'))
      return [names, ...files].join('\n')
    },
    [Symbol.dispose]: () => {
      world[Symbol.dispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A process that lives for a second has no use for threads that optimise, nor for a small memory. */
const brief = ['--min-semi-space-size=16', '--v8-pool-size=0']

/** The victim as a process of its own, on a stage. */
export function startVictim(stage: KillStage, args: string[], steering: Record<string, string>): Victim {
  const trace = join(stage.folder, 'trace')
  rmSync(trace, { force: true })
  const own = { VICTIM_TRACE: trace, ...stage.env, ...steering }
  const options = { env: { ...process.env, ...own }, maxBuffer: 64 * 1024 * 1024, timeout: 300_000 }
  const steps = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : [])
  const { promise: death, resolve } = Promise.withResolvers<Death>()
  const child = execFile(process.execPath, [...brief, victim, ...args], options, (_error, _stdout, stderr) =>
    resolve({ killed: child.signalCode === 'SIGKILL', exitCode: child.exitCode, stderr, steps: steps() }),
  )
  return { steps, death, terminate: () => void child.kill('SIGTERM') }
}

/** What ran runs and what was stopped is stopped; nothing half done is left, in the repository or in the catalog. */
export async function expectOrder(stage: KillStage, step: string): Promise<void> {
  expect(await stage.states(), step).toEqual(orderly)
  expect(leftovers(stage.repository), step).toEqual([])
  using catalog = openCatalog(stage.state)
  expect(catalog.claimOrphans(), step).toEqual([])
}

/** All that is listed is whole. */
export async function expectWhole(stage: KillStage, step: string): Promise<void> {
  const { json } = await stage.product(['check', '--read-data', '--json'])
  expect(json.repositories[0].damaged, step).toEqual([])
}

/** Work in progress in a repository. */
export function leftovers(repository: string): string[] {
  const incoming = join(repository, '.incoming')
  return existsSync(incoming) ? readdirSync(incoming) : []
}
