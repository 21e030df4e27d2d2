import type { Parts } from '../job/job.ts'
import { logFailure } from '../lib/log-failure.ts'
import { createDispatcher } from './dispatcher.ts'
import { createDriller } from './driller.ts'
import type { Jobs } from './jobs.ts'
import { type Pass, runPass } from './pass.ts'
import { createPruner } from './pruner.ts'
import { createRecoverer } from './recoverer.ts'
import { createReplicator } from './replicator.ts'
import { createRepositoryWatch } from './repository-watch.ts'
import { minuteTicks } from './ticks.ts'
import { createTrigger, type Trigger } from './trigger.ts'
import { createWatch } from './watch.ts'

export interface ControllerOptions {
  /** How many targets are backed up at once. */
  concurrency: number
  /** `realJobs`, except in tests. */
  jobs: Jobs
  /** Called with each pass when it has ended. */
  onPass?: (pass: Pass) => void
  /** Calls back at the beginning of each minute. Default: node-cron. */
  ticks?: (onTick: () => void) => Disposable
}

const resyncMs = 60_000
/** Events come in bursts, and one pass answers all of them. */
const debounceMs = 500
const firstBackoffMs = 1000

/**
 * Runs passes until the signal is aborted, which aborts the running jobs too; resolves when the last of them has cleaned up. The
 * controller is level-triggered: events, ticks, the ends of runs and a timer only request another pass. A pass lists everything and
 * decides anew, so that it repairs whatever went wrong before it. Passes never overlap.
 */
export async function runController(parts: Parts, options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts
  const { concurrency, jobs, ticks = minuteTicks } = options
  const trigger = createTrigger(clock)
  const watch = createWatch(clock, trigger.fire)
  const dispatcher = createDispatcher(parts, { concurrency, backup: jobs.backup, onEnd: trigger.fire }, signal)
  const recoverer = createRecoverer(parts, jobs, trigger.fire, signal)
  const pruner = createPruner(parts, jobs, trigger.fire, signal)
  const driller = createDriller(parts, jobs, trigger.fire, signal)
  const replicator = createReplicator(parts, jobs, trigger.fire, signal)
  const repository = createRepositoryWatch(parts, jobs, trigger.fire)
  const components = {
    jobs,
    watch,
    dispatcher,
    recoverer,
    pruner,
    driller,
    replicator,
    repository,
    loggedProblems: new Set<string>(),
  }
  void followEvents(parts, trigger, signal)
  void watch.run(signal)
  using _ticks = ticks(trigger.fire)

  for (let latest: Pass | undefined; !signal.aborted; ) {
    latest = await runPass(parts, components, latest, signal)
    options.onPass?.(latest)
    await pause(parts, latest, trigger, signal)
  }
  log.info({ running: [...dispatcher.active()] }, 'controller ends')
  await Promise.all([dispatcher.drain(), recoverer.drain(), pruner.drain(), driller.drain(), replicator.drain()])
}

/** Events of execs and health checks come all the time and change no plan. */
const ignoredEvents = /^(exec|health_status|attach|resize|top)/

async function followEvents({ engine, log }: Parts, trigger: Trigger, signal: AbortSignal): Promise<void> {
  try {
    for await (const { action } of engine.events(signal)) if (!ignoredEvents.test(action)) trigger.fire()
  } catch (err) {
    if (!signal.aborted) logFailure(log, 'no more events: changes are seen by the minute', err)
  }
}

/** Waits for the next pass. After a failed pass that is a second, doubled each time up to a minute, and no event cuts it short. */
async function pause({ clock }: Parts, { failures }: Pass, trigger: Trigger, signal: AbortSignal): Promise<void> {
  try {
    if (failures > 0) await clock.sleep(Math.min(resyncMs, firstBackoffMs * 2 ** (failures - 1)), signal)
    else await trigger.wait(resyncMs, signal)
    await clock.sleep(debounceMs, signal)
    trigger.reset()
  } catch {
    // Only the signal ends a pause early, and the loop asks it.
  }
}
