#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=2 --disable-warning=ExperimentalWarning
// Streams make short-lived buffers by the thousand: few arenas and a small young generation keep some 50 MiB of them from lying about.
import { openCatalog } from './catalog/sqlite.ts'
import type { Answer, Invocation, Io, Session } from './cli/command.ts'
import { type ExitCode, exitCodeOfAnswer, exitCodeOfError } from './cli/exit-code.ts'
import { makeLogger } from './cli/log.ts'
import { processIo } from './cli/process-io.ts'
import { parseArguments } from './cli/program.ts'
import { renderError } from './cli/render/error.ts'
import { makePlainProgress, makeTerminalProgress } from './cli/render/progress.ts'
import { makeScreen, type Screen } from './cli/render/screen.ts'
import { textStyleOf } from './cli/render/text-style.ts'
import { makeScrubber, type Scrubber, watchSecrets } from './cli/secrets.ts'
import type { Config } from './config/config.ts'
import { loadConfig } from './config/load.ts'
import type { ContainerFacts } from './engine/engine.ts'
import { ownPath } from './engine/host-paths.ts'
import { connectEngine } from './engine/podman.ts'
import { findSelf } from './engine/self.ts'
import { asBackupError, BackupError, reportError } from './errors.ts'
import type { Parts } from './job/job.ts'
import { recover } from './job/recover.ts'
import { systemClock } from './lib/clock.ts'
import { methods } from './methods/index.ts'
import type { PlanSettings } from './plan/plan.ts'
import { openArchive } from './repository/archive.ts'

/** Makes the parts that all commands share; what they hold open ends with them. Tests give their own. */
export type OpenParts = (config: Config, log: Parts['log'], signal: AbortSignal) => Promise<Parts & AsyncDisposable>

/** The outside of one call of main. */
interface Outside {
  io: Io
  screen: Screen
  scrubber: Scrubber
  open: OpenParts
  json: boolean
  signal: AbortSignal
}

/** Runs one command to its end and answers its exit code. Never throws. */
export async function main(
  args: string[],
  io: Io = processIo(),
  open: OpenParts = openParts,
  signal: AbortSignal = new AbortController().signal,
): Promise<ExitCode> {
  const json = args.includes('--json')
  const outside = { io, screen: makeScreen(io.stderr), scrubber: makeScrubber(), open, json, signal }
  try {
    const invocation = parseArguments(args, io)
    const answer = invocation && (await invoke(invocation, outside))
    if (!answer) return 0
    print(outside, answer)
    return exitCodeOfAnswer(answer)
  } catch (error) {
    return fail(outside, error)
  }
}

/** `run` is the controller itself: in every pass it finishes what dead runs left behind. */
async function invoke(invocation: Invocation & { configFile?: string }, outside: Outside): Promise<Answer | undefined> {
  const { io, screen, scrubber, open, signal } = outside
  const config = await loadConfig({ file: invocation.configFile, ...(io.environment && { env: io.environment }) })
  const log = makeLogger(logLevel(invocation, config), io.stderr, screen, scrubber)
  await using parts = await open(config, log, signal)
  const session = makeSession(outside, config, { ...parts, engine: watchSecrets(parts.engine, scrubber) })
  await warnOrdinaryUser(invocation, session)
  if (invocation.name !== 'run') await finishDeadRuns(invocation, session)
  return await invocation.run(session)
}

/** By hand, the answer tells all that a log line would; only who asks for more gets it. */
function logLevel({ name }: Invocation, { logLevel }: Config): string {
  return name === 'run' || ['debug', 'trace'].includes(logLevel) ? logLevel : 'silent'
}

function makeSession({ io, screen, scrubber, json, signal }: Outside, config: Config, parts: Parts): Session {
  const { clock, settings } = parts
  return {
    parts,
    config,
    io,
    style: textStyleOf(io.stdout, settings.timezone),
    signal,
    note: (text) => screen.write(scrubber.scrub(text)),
    progress: (totals) =>
      io.stderr.isTTY && !json ? makeTerminalProgress(screen, clock, totals) : makePlainProgress(screen),
  }
}

/** Files of a rootless engine's containers belong to ids that only its user namespace can read and write. */
async function warnOrdinaryUser({ name }: Invocation, { io, parts, signal, note }: Session): Promise<void> {
  if (io.userId === 0 || !isWorker(name)) return
  if (await parts.engine.isRootless(signal))
    note('hint: the engine is rootless: start it as podman unshare xnai-backup … to reach all files.\n')
}

/** P1 and P2: what was stopped is started and what is half done is gone before anything new begins. */
async function finishDeadRuns({ name }: Invocation, { parts, signal, note }: Session): Promise<void> {
  try {
    const { done, problems } = await recover(parts, signal)
    for (const text of done) note(`note: after a run that died: ${text}\n`)
    for (const text of problems) note(`warning: after a run that died: ${text}\n`)
  } catch (error) {
    // Who only wants to look is to see what can be seen, most of all now.
    if (signal.aborted || isWorker(name)) throw error
    note(`warning: could not look for what dead runs left behind: ${asBackupError(error).message}\n`)
  }
}

const isWorker = (name: string): boolean => ['run', 'backup', 'restore'].includes(name)

function print({ io, json, scrubber }: Outside, { document, text }: Answer): void {
  io.stdout.write(json ? renderDocument(document, scrubber) : scrubber.scrub(text))
}

const renderDocument = (document: object, { scrub }: Scrubber): string =>
  `${JSON.stringify(document, (_key, value) => (typeof value === 'string' ? scrub(value) : value), 2)}\n`

function fail({ io, json, screen, scrubber, signal }: Outside, thrown: unknown): ExitCode {
  const error = asBackupError(signal.aborted ? signal.reason : thrown)
  if (json) io.stdout.write(renderDocument({ error: reportError(error) }, scrubber))
  screen.write(scrubber.scrub(renderError(error, textStyleOf(io.stderr, 'UTC'))))
  return exitCodeOfError(error.code)
}

/** The process: signals, main, exit. A second signal does not wait for the end of what the first one interrupted. */
export async function start(open: OpenParts = openParts): Promise<never> {
  const interruption = new AbortController()
  const interrupt = (name: string) => {
    if (interruption.signal.aborted) process.exit(130)
    interruption.abort(new BackupError('INTERRUPTED', `interrupted by ${name}`))
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt)
  process.exit(await main(process.argv.slice(2), processIo(), open, interruption.signal))
}

/** The real parts. The catalog comes first: without a place for intents nothing may be touched. */
export const openParts: OpenParts = async (config, log, signal) => {
  const catalog = openCatalog(config.state)
  try {
    const engine = connectEngine(config.engine)
    const self = await findSelf(engine, signal)
    return {
      engine,
      catalog,
      repositories: openRepositories(config),
      methods,
      clock: systemClock,
      log,
      settings: settingsFor(config, self),
      ownPath: (hostPath) => ownPath(self?.mounts, hostPath),
      [Symbol.asyncDispose]: async () => catalog[Symbol.dispose](),
    }
  } catch (error) {
    catalog[Symbol.dispose]()
    throw error
  }
}

/** An address that this version cannot use is refused: a tier that silently does nothing is worse than none. */
function openRepositories({ local, remote }: Config): Parts['repositories'] {
  if (remote) throw new BackupError('CONFIG_INVALID', 'remote: this version has no remote tier yet')
  if (local.kind !== 'archive') throw new BackupError('CONFIG_INVALID', 'local: this version knows archive:DIR only')
  return new Map([['local', openArchive(local.dir)]])
}

/** Without a configured project the controller looks after the one that it is part of. */
function settingsFor({ settings }: Config, self: ContainerFacts | undefined): PlanSettings {
  if (!self) return settings
  return { ...(self.project !== undefined && { project: self.project }), ...settings, selfId: self.id }
}

if (import.meta.main) await start()
