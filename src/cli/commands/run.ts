import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { controllerLock } from '../../catalog/keys.ts'
import { warnOfS3Accounts } from '../../config/s3-accounts.ts'
import { realJobs } from '../../controller/jobs.ts'
import { runController } from '../../controller/loop.ts'
import { createNotifier } from '../../controller/notifier.ts'
import type { Pass } from '../../controller/pass.ts'
import { tellRuns } from '../../controller/tell-runs.ts'
import { createLive, type Live } from '../../http/live.ts'
import { serve } from '../../http/serve.ts'
import { isBusy } from '../../job/hold-locks.ts'
import { loadCode } from '../../job/load-work.ts'
import { holdRepository } from '../../job/repositories.ts'
import type { MethodKind } from '../../labels/spec.ts'
import { settleWith, withDeadline } from '../../lib/deadline.ts'
import { logFailure } from '../../lib/log-failure.ts'
import { version } from '../../version.ts'
import type { CommandDefinition, Session } from '../command.ts'

export const runCommand: CommandDefinition = {
  kind: 'daemon',
  define: (program, choose) =>
    program
      .command('run')
      .description('the controller: backs up on schedule and on change until it is stopped')
      .action(() => choose(run)),
}

async function run(session: Session): Promise<undefined> {
  const { parts, config, signal } = session
  parts.log.info(
    { version, project: parts.settings.project, repositories: [...parts.repositories.values()].map(({ url }) => url) },
    'controller starts',
  )
  const accounts = warnOfS3Accounts(config)
  if (accounts !== undefined) parts.log.warn(accounts)
  // A program that is replaced under a controller, which may live for months, must not be mixed with it.
  await loadCode(parts, Object.keys(parts.methods) as MethodKind[])
  using _held = await holdAtStart(parts, signal)
  const ended = new AbortController()
  const live = createLive(parts, { scrub: session.scrub, signal: ended.signal })
  const notifier =
    config.notify.length === 0
      ? undefined
      : createNotifier(parts, { addresses: config.notify, report: live.status }, signal)
  const beside = [beat(session, ended.signal), tellRuns(parts, ended.signal), servePage(session, live, ended.signal)]
  try {
    const { concurrency } = config
    const onPass = (pass: Pass) => {
      live.notePass(pass)
      void notifier?.consider(pass)
    }
    await runController(parts, { concurrency, jobs: realJobs(parts), onPass }, signal)
  } finally {
    await notifier?.end()
    ended.abort()
    await Promise.all(beside)
  }
}

async function servePage({ parts, config, scrub }: Session, live: Live, signal: AbortSignal): Promise<void> {
  const { listen, listenToken } = config
  if (listen) await serve(parts, { listen, token: listenToken?.(), live, scrub }, signal)
}

/** A repository that sleeps needs so long to answer. */
const holdSeconds = 10

/**
 * Takes the repository for as long as this controller lives. BUSY where another control plane has it. A repository that is away keeps no
 * controller from starting: each of its runs takes it then.
 */
async function holdAtStart(parts: Session['parts'], signal: AbortSignal): Promise<Disposable> {
  using deadline = withDeadline(signal, holdSeconds, 'the repository to answer')
  try {
    return await settleWith(deadline, () => holdRepository(parts, deadline))
  } catch (err) {
    if (isBusy(err)) throw err
    logFailure(parts.log, 'the repository is not held for this controller', err, { level: 'warn' })
    return new DisposableStack()
  }
}

const heartbeatMs = 10_000

/** Writes `STATE/heartbeat` anew while the process answers. The health check of the container measures its age. */
async function beat({ parts, config }: Session, signal: AbortSignal): Promise<void> {
  const file = join(config.state, 'heartbeat')
  let alive: Disposable | undefined
  while (!signal.aborted) {
    alive ??= sayAlive(parts)
    // A heartbeat that cannot be written grows old, and the health check fails by that.
    await writeFile(file, `${parts.clock.now().toISOString()}\n`).catch((err) =>
      logFailure(parts.log, 'no heartbeat', err, { level: 'warn' }),
    )
    await parts.clock.sleep(heartbeatMs, signal).catch(() => {})
  }
  alive?.[Symbol.dispose]()
}

/** Tells commands that a controller lives. While another one does that shares the state, it is that one which they know. */
function sayAlive({ catalog, log }: Session['parts']): Disposable | undefined {
  try {
    return catalog.lock([controllerLock], 'controller')
  } catch (err) {
    logFailure(log, 'this controller is not known to commands', err, { level: 'debug' })
    return undefined
  }
}
