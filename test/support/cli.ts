import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { openCatalog } from '../../src/catalog/sqlite.ts'
import type { Io } from '../../src/cli/io.ts'
import type { Parts } from '../../src/job/job.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { main, type OpenParts } from '../../src/main.ts'
import { methods } from '../../src/methods/index.ts'
import type { Repository, Snapshot, Tier } from '../../src/repository/repository.ts'
import { type FakeContainer, fakeEngine } from '../fakes/engine.ts'

export const now = new Date('2026-11-20T12:00:00Z')

/** A running container of the compose project `shop`. */
export const container = (service: string, facts: Partial<FakeContainer> = {}): FakeContainer => ({
  name: `shop-${service}-1`,
  project: 'shop',
  service,
  number: 1,
  ...facts,
})

export const volume = (name: string, destination: string) => ({
  kind: 'volume' as const,
  name,
  source: `/var/lib/containers/storage/volumes/${name}/_data`,
  destination,
  writable: true,
})

/** A shop: redis by its own method, files that two services write, and a service with a misspelt label. */
export const shop: FakeContainer[] = [
  container('redis', {
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.method': 'redis' },
    mounts: [volume('redis', '/data')],
  }),
  container('app', {
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.name': 'files', 'xnai.backup.schedule': 'on-change' },
    mounts: [volume('files', '/srv')],
    dependsOn: ['redis'],
  }),
  container('cron', { mounts: [volume('files', '/srv')], dependsOn: ['app'] }),
  container('web', {
    labels: { 'xnai.backup.enable': 'true', 'xnai.backup.shedule': '@daily' },
    mounts: [volume('web', '/www')],
  }),
]

export function snapshot(target: string, time: string, more: Partial<Snapshot> = {}): Snapshot {
  const id = `${time.replaceAll(/[-:]|\.\d+/g, '')}-${target}`
  return {
    id,
    project: 'shop',
    target,
    host: 'machine',
    method: target === 'redis' ? 'redis' : 'files',
    time,
    set: `set-${id}`,
    run: `run-${id}`,
    reason: 'schedule',
    facts: {},
    container: { name: `shop-${target}-1`, image: 'docker.io/library/redis:1', imageId: 'sha256:redis', user: '' },
    engine: { name: 'podman', version: '5.0.0' },
    creator: '0.1.0',
    quiesced: [],
    warnings: [],
    bytes: 3_000_000,
    storedBytes: 1_500_000,
    files: 1,
    artifacts: [],
    ...more,
  }
}

const notUsed = () => Promise.reject(new Error('not part of this test'))

/** A repository that only answers what it holds. */
export const shelf = (snapshots: Snapshot[], more: Partial<Repository> = {}): Repository => ({
  url: 'archive:/backups',
  identity: async () => 'the-only-one',
  initialise: async () => 'the-only-one',
  list: async () => snapshots,
  sweep: async () => {},
  freeBytes: async () => 1e9,
  check: async function* () {},
  verify: async () => [],
  stage: notUsed,
  open: notUsed,
  listTree: async function* () {},
  extract: notUsed,
  proveTree: notUsed,
  copyFrom: notUsed,
  tamper: notUsed,
  remove: notUsed,
  ...more,
})

export interface Stage extends Partial<Omit<Parts, 'repositories'>> {
  containers?: FakeContainer[]
  local?: Repository
  remote?: Repository
  terminal?: boolean
  /** The width of the terminal. Default: 80. */
  columns?: number
  reply?: string
  signal?: AbortSignal
  /** Default: root. */
  userId?: number
  /** Default: a new directory, removed with the test. */
  state?: string
  /** Further variables of the environment. */
  environment?: Record<string, string>
}

/** A new directory, removed with the test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xnai-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs one command in this process and catches all that it prints. */
export async function run(args: string[], stage: Stage = {}) {
  const state = stage.state ?? makeFolder()
  const printed = { stdout: '', stderr: '', asked: '' }
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY: stage.terminal === true,
    ...(stage.terminal && { columns: stage.columns ?? 80 }),
    write: (text: string) => {
      printed[name] += text
    },
  })
  const ask = async (question: string) => {
    printed.asked = question
    return stage.reply ?? ''
  }
  const io: Io = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    environment: { XNAI_BACKUP_STATE: state, XNAI_BACKUP_LISTEN: 'off', ...stage.environment },
    userId: stage.userId ?? 0,
    ask: stage.terminal ? ask : undefined,
  }
  const open: OpenParts = async (config) => {
    const catalog = stage.catalog ?? openCatalog(state)
    return {
      engine: fakeEngine({ containers: stage.containers ?? shop }),
      methods,
      clock: { ...systemClock, now: () => now },
      log: pino({ level: 'silent' }),
      settings: config.settings,
      host: config.host ?? 'machine',
      ownPath: (path) => path,
      ...stage,
      repositories: new Map<Tier, Repository>([
        ['local', stage.local ?? shelf([])],
        ...(stage.remote ? [['remote', stage.remote] as const] : []),
      ]),
      catalog,
      [Symbol.asyncDispose]: async () => (stage.catalog ? undefined : catalog[Symbol.dispose]()),
    }
  }
  const exitCode = await main(args, io, open, stage.signal)
  return { exitCode, ...printed, json: () => JSON.parse(printed.stdout) as unknown }
}
