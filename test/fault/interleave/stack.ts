import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { openCatalog } from '../../../src/catalog/sqlite.ts'
import type { Parts } from '../../../src/job/job.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type FakeEngine, fakeEngine } from '../../fakes/engine.ts'
import { fileWorld, type WorldStore } from '../../fakes/engine-world.ts'
import { manualSettings } from '../../support/manual-settings.ts'
import { asMethod } from '../../support/whole-method.ts'
import { jsonRepository } from './json-repository.ts'
import { type OnAccess, twinFiles, writeTwins } from './twin-files.ts'

/** The containers before a play. They MUST be in the same state after it. */
export const before = {
  app: 'running',
  base: 'running',
  frozen: 'paused',
  idle: 'stopped',
  peer: 'running',
  web: 'running',
}

/** Containers that write the data of each target. */
export const writersOf: Record<string, string[]> = {
  '/a': ['app', 'peer', 'idle', 'frozen'],
  '/b': ['base', 'peer', 'idle', 'frozen'],
}

/** Labels without their prefix, by container. */
type Labels = Record<string, string>
export type StackLabels = { app?: Labels; base?: Labels }

/** Two targets, a writer that both share, one that is stopped, one that the user has paused, and a client of both. */
export function addStack(engine: FakeEngine, folder: string, labels: StackLabels = {}): void {
  const mount = (name: string) => ({
    kind: 'bind' as const,
    source: join(folder, name),
    destination: `/${name}`,
    writable: true,
  })
  for (const name of ['a', 'b']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['a', 'b']) writeTwins(join(folder, name), 'wanted')
  const add = (service: string, facts: object) =>
    engine.add({ name: service, project: 'shop', service, number: 1, ...facts })
  add('app', { mounts: [mount('a')], labels: labelled({ paths: '/a', ...labels.app }) })
  add('base', { mounts: [mount('b')], labels: labelled({ paths: '/b', ...labels.base }) })
  const both = [mount('a'), mount('b')]
  add('peer', { mounts: both })
  add('idle', { mounts: both, state: 'stopped' })
  add('frozen', { mounts: both, state: 'paused' })
  add('web', { dependsOn: ['app', 'base'] })
}

const labelled = (labels: Labels) =>
  Object.fromEntries(Object.entries({ enable: 'true', ...labels }).map(([key, value]) => [`xnai.backup.${key}`, value]))

/** A process on the stack below `folder`: its own catalog, around the world that all share. */
export interface Player extends Disposable {
  parts: Parts & { engine: FakeEngine }
  world: WorldStore
}

export function openPlayer(folder: string, onAccess: OnAccess = () => {}): Player {
  const world = fileWorld(join(folder, 'world'))
  const catalog = openCatalog(join(folder, 'state'))
  const parts = {
    engine: fakeEngine({ world, commands: [() => ({})], forbidIdleActs: true }),
    catalog,
    repositories: new Map([['local' as const, jsonRepository(join(folder, 'backups'))]]),
    methods: { files: asMethod(twinFiles(onAccess)) },
    clock: systemClock,
    log: pino({ level: 'silent' }),
    settings: manualSettings,
    host: 'machine',
    ownPath: (path: string) => path,
  }
  const dispose = () => {
    catalog[Symbol.dispose]()
    world[Symbol.dispose]()
  }
  return { parts, world, [Symbol.dispose]: dispose }
}
