#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=2 --disable-warning=ExperimentalWarning
// Streams allocate short-lived buffers by the thousand: one malloc arena and a small young generation keep resident memory about 50 MiB lower.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { openCatalog } from './catalog/sqlite.ts'
import type { CommandKind } from './cli/command.ts'
import type { ExitCode } from './cli/exit-code.ts'
import type { Io } from './cli/io.ts'
import { processIo } from './cli/process-io.ts'
import { type OpenParts, runProgram } from './cli/run-program.ts'
import type { Config, RepositoryConfig } from './config/config.ts'
import { plainHostName } from './config/types.ts'
import type { ContainerFacts, Engine } from './engine/engine.ts'
import { ownPath } from './engine/host-paths.ts'
import { knowingSources } from './engine/mount-sources.ts'
import { connectEngine } from './engine/podman.ts'
import { findSelf, isContainerId } from './engine/self.ts'
import { connectUnits } from './engine/systemd.ts'
import { knowingUnits } from './engine/units.ts'
import { BackupError } from './errors.ts'
import { findHost } from './job/find-host.ts'
import { systemClock } from './lib/clock.ts'
import { methods } from './methods/index.ts'
import type { PlanSettings } from './plan/plan.ts'
import { type ArchiveOptions, openArchive } from './repository/archive.ts'
import type { ManifestCache } from './repository/manifest-cache.ts'
import type { Repository, Tier } from './repository/repository.ts'
import type { ResticOptions } from './repository/restic.ts'

export type { OpenParts } from './cli/run-program.ts'

/** Runs one command to its end and answers its exit code. Never rejects. */
export async function main(
  args: string[],
  io: Io = processIo(),
  open: OpenParts = openParts,
  signal: AbortSignal = new AbortController().signal,
): Promise<ExitCode> {
  return await runProgram(args, { io, open, signal })
}

/** Runs the program as this process. The first signal interrupts the command, which cleans up; the second one ends the process at once. */
export async function start(open: OpenParts = openParts): Promise<never> {
  const interruption = new AbortController()
  const interrupt = (name: string) => {
    if (interruption.signal.aborted) process.exit(130)
    interruption.abort(new BackupError('INTERRUPTED', `interrupted by ${name}`))
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, interrupt)
  // A terminal that goes away ends no run: services may be down for it. `status` shows it, and `cancel` ends it.
  process.on('SIGHUP', () => {})
  process.exit(await main(process.argv.slice(2), processIo(), open, interruption.signal))
}

/** Opens the real parts. The catalog comes first, because nothing may be touched when intents cannot be written. */
export const openParts: OpenParts = async (config, log, signal, kind) => {
  const catalog = openCatalog(config.state)
  try {
    const connected = connectEngine(config.engine)
    const self = kind === 'recall' ? undefined : await findSelf(connected, signal).catch(unlessDiagnosed(kind, signal))
    const toOwn = (hostPath: string) => ownPath(self?.mounts, hostPath)
    const units = connectUnits(config.managers)
    const engine = knowingUnits(knowingSources(connected, toOwn), units)
    const host =
      (await findHost({
        configured: config.host,
        memory: catalog.host,
        isController: kind === 'daemon',
        ask: () => askMachine(connected, { kind, isContained: self !== undefined }, signal),
        toName: plainHostName,
      })) ?? plainHostName(hostname())
    return {
      engine,
      units,
      catalog,
      repositories: await openRepositories(config, catalog.manifests, host),
      methods,
      clock: systemClock,
      log,
      settings: settingsFor(config, self),
      host,
      ownPath: toOwn,
      ...(self && { ownMounts: self.mounts }),
      [Symbol.asyncDispose]: async () => catalog[Symbol.dispose](),
    }
  } catch (error) {
    catalog[Symbol.dispose]()
    throw error
  }
}

/** A command that looks for what is wrong goes on without an engine. */
const unlessDiagnosed = (kind: CommandKind, signal: AbortSignal) => (error: unknown) => {
  signal.throwIfAborted()
  if (kind !== 'diagnose') throw error
  return undefined
}

/**
 * The name of the machine. In a container the own name is that of the container, which changes with each start. Undefined where the engine
 * has to be asked and is away, which only ends a command that cannot do without it.
 */
async function askMachine(
  engine: Pick<Engine, 'hostName'>,
  { kind, isContained }: { kind: CommandKind; isContained: boolean },
  signal: AbortSignal,
): Promise<string | undefined> {
  const own = hostname()
  if (!isContained && kind !== 'recall' && !isContainerId(own)) return own
  return await engine.hostName(signal).catch((error: unknown) => {
    signal.throwIfAborted()
    if (kind !== 'recall' && kind !== 'diagnose') throw error
    return undefined
  })
}

async function openRepositories(
  config: Config,
  manifests: ManifestCache,
  host: string,
): Promise<Map<Tier, Repository>> {
  const { local: address, remote, remoteAppendOnly: appendOnly, state, compression: compressionLevel } = config
  const common = { manifests, compressionLevel, host }
  const local = await openRepository(address, { home: join(state, 'restic'), ...common })
  const repositories = new Map<Tier, Repository>([['local', local]])
  // Two repositories of restic have folders of their own there: what one process left is told apart by them.
  const more = { home: join(state, 'restic-remote'), ...common, appendOnly, copiesFrom: local }
  if (remote) repositories.set('remote', await openRepository(remote, more))
  return repositories
}

type OpenOptions = Pick<ResticOptions, 'home' | 'copiesFrom' | 'appendOnly'> & ArchiveOptions

async function openRepository(address: RepositoryConfig, options: OpenOptions): Promise<Repository> {
  if (address.kind === 'archive') return openArchive(address.dir, options)
  const { openRestic } = await import('./repository/restic.ts')
  const password = address.password()
  return openRestic(address.url, { ...(password !== undefined && { password }), ...options })
}

/** Without a configured project the controller looks after the compose project that its own container is part of. */
function settingsFor({ settings }: Config, self: ContainerFacts | undefined): PlanSettings {
  if (!self) return settings
  return { ...(self.project !== undefined && { project: self.project }), ...settings, selfId: self.id }
}

if (import.meta.main) void start()
