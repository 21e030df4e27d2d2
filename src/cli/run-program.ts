import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { asBackupError } from '../errors.ts'
import type { Parts } from '../job/job.ts'
import { secretsOf } from '../notify/address.ts'
import { forHost } from '../repository/for-host.ts'
import { knownRepository } from '../repository/known-repository.ts'
import { rememberingDamage } from '../repository/remember-damage.ts'
import type { Answer, CommandKind, Session } from './command.ts'
import { type ExitCode, exitCodeOfAnswer, exitCodeOfError } from './exit-code.ts'
import type { Io } from './io.ts'
import { makeOutput, type Output } from './output.ts'
import { type Invocation, parseArguments } from './program.ts'
import { recoverBeside } from './recover-beside.ts'
import { type TextStyle, textStyleOf, widthOf } from './render/text-style.ts'
import { keepNoSecrets, watchSecrets } from './secrets.ts'

/** Makes the parts that all commands share. Disposing them releases what they hold open. Tests give their own. */
export type OpenParts = (
  config: Config,
  log: Parts['log'],
  signal: AbortSignal,
  kind: CommandKind,
) => Promise<Parts & AsyncDisposable>

/** What one call of the program gets from its process, or from a test. */
export interface Surroundings {
  io: Io
  open: OpenParts
  /** Aborted when the call is to end: running jobs are aborted too, and clean up. */
  signal: AbortSignal
}

/** Runs the command that the arguments name, prints its result and answers the exit code. Never rejects. */
export async function runProgram(args: string[], surroundings: Surroundings): Promise<ExitCode> {
  const { io, signal } = surroundings
  const output = makeOutput(io, args.includes('--json'))
  try {
    const invocation = await parseArguments(args, io)
    return invocation ? await invoke(invocation, surroundings, output) : 0
  } catch (thrown) {
    return fail(thrown, signal, output)
  }
}

function fail(thrown: unknown, signal: AbortSignal, output: Output): ExitCode {
  const error = asBackupError(signal.aborted ? signal.reason : thrown)
  output.error(error)
  return exitCodeOfError(error.code)
}

async function invoke(invocation: Invocation, { io, open, signal }: Surroundings, output: Output): Promise<ExitCode> {
  const config = await loadConfig({ file: invocation.configFile, ...(io.environment && { env: io.environment }) })
  for (const secret of config.notify.flatMap(secretsOf)) output.scrubber.learn(secret)
  const log = await output.logger(logLevel(invocation, config))
  const unopened = (error: unknown) => {
    signal.throwIfAborted()
    if (!invocation.unopened) throw error
    const style = styleOf(invocation, io, config.settings.timezone)
    return tell(invocation.unopened(error, style), output)
  }
  const result = await open(config, log, signal, invocation.kind).catch(unopened)
  if (typeof result === 'number') return result
  await using opened = result
  const parts = {
    ...opened,
    engine: watchSecrets(opened.engine, output.scrubber),
    catalog: keepNoSecrets(opened.catalog, output.scrubber),
    repositories: knownRepositories(opened),
  }
  const session: Session = {
    parts,
    config,
    io,
    style: styleOf(invocation, io, parts.settings.timezone),
    signal,
    scrub: output.scrubber.scrub,
    note: output.note,
    progress: (totals) => output.progress(parts.clock, totals),
  }
  await warnOrdinaryUser(invocation, session)
  const recovery = await recoverBeside(invocation, session)
  const exitCode = await answer(invocation, session, output)
  await recovery.end()
  return exitCode
}

/** How text for stdout looks. */
const styleOf = ({ wide }: Invocation, { stdout, environment }: Io, timezone: string): TextStyle =>
  textStyleOf(stdout, { timezone, width: wide ? Number.POSITIVE_INFINITY : widthOf(stdout, environment) })

/**
 * No command works with a repository that is not the one that the catalog knows, none forgets what was found damaged in it, and none
 * takes what another host stored for its own.
 */
const knownRepositories = ({ repositories, catalog, clock, log, host }: Parts) =>
  new Map(
    [...repositories].map(([tier, one]) => {
      const address = { tier, url: one.url }
      const own = forHost(one, { host, claimsOld: () => catalog.host.claimsOld(address) })
      const remembering = rememberingDamage(own, catalog.damage, { clock, log, host })
      return [tier, knownRepository(remembering, address, catalog.identities)]
    }),
  )

/** Prints the result of the command, or its failure, and answers the exit code. */
async function answer({ run }: Invocation, session: Session, output: Output): Promise<ExitCode> {
  try {
    const result = await run(session)
    return result ? tell(result, output) : 0
  } catch (thrown) {
    return fail(thrown, session.signal, output)
  }
}

function tell(result: Answer, output: Output): ExitCode {
  output.answer(result)
  return exitCodeOfAnswer(result)
}

/** By hand, the answer tells what a log line would tell; the log is written only when the configuration asks for more than that. */
function logLevel({ kind }: Invocation, { logLevel }: Config): string {
  return kind === 'daemon' || ['debug', 'trace'].includes(logLevel) ? logLevel : 'silent'
}

/** Files in a rootless engine's containers belong to ids that only processes in its user namespace can read and write. */
async function warnOrdinaryUser({ kind }: Invocation, { io, parts, signal, note }: Session): Promise<void> {
  if (io.userId === 0 || kind === 'read' || kind === 'recall' || kind === 'diagnose') return
  if (await parts.engine.isRootless(signal))
    note('hint: the engine is rootless: start it as podman unshare xnai-backup … to reach all files.\n')
}
