import type { Parts } from '../job/job.ts'
import { createDispatcher } from './dispatcher.ts'
import type { Jobs } from './jobs.ts'
import { type Pass, runPass } from './pass.ts'
import { minuteTicks } from './ticks.ts'
import { type Alarm, createAlarm } from './trigger.ts'
import { createWatch } from './watch.ts'

export interface ControllerOptions {
  /** Backups at once. */
  concurrency: number
  /** `realJobs`, but for tests. */
  jobs: Jobs
  /** Told of every pass when it has ended. */
  onPass?: (pass: Pass) => void
  /** Calls at the beginning of each minute. Default: node-cron. */
  ticks?: (onTick: () => void) => Disposable
}

const resyncMs = 60_000
/** Events come in bursts: one pass answers for all of them. */
const gatherMs = 500
const firstBackoffMs = 1000

/**
 * Level-triggered: events, ticks, the ends of runs and a timer only request another pass. A pass lists everything and decides anew, so
 * that it repairs whatever went wrong before it. Passes never overlap. An aborted signal aborts the running jobs too; this settles
 * when the last of them has cleaned up.
 */
export async function runController(parts: Parts, options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts
  const { concurrency, jobs, ticks = minuteTicks } = options
  const alarm = createAlarm(clock)
  const watch = createWatch(clock, alarm.ring)
  const dispatcher = createDispatcher(parts, { concurrency, backup: jobs.backup, onEnd: alarm.ring }, signal)
  const machine = { jobs, watch, dispatcher, told: new Set<string>() }
  void followEvents(parts, alarm, signal)
  void watch.run(signal)
  using _ticks = ticks(alarm.ring)

  for (let latest: Pass | undefined; !signal.aborted; ) {
    latest = await runPass(parts, machine, latest, signal)
    options.onPass?.(latest)
    await pause(parts, latest, alarm, signal)
  }
  log.info({ running: [...dispatcher.busy()] }, 'controller ends')
  await dispatcher.drain()
}

/** Events of execs and health checks come all the time and change no plan. */
const noise = /^(exec|health_status|attach|resize|top)/

async function followEvents({ engine, log }: Parts, alarm: Alarm, signal: AbortSignal): Promise<void> {
  try {
    for await (const { action } of engine.events(signal)) if (!noise.test(action)) alarm.ring()
  } catch (err) {
    if (!signal.aborted) log.error({ err }, 'no more events: changes are seen by the minute')
  }
}

/** After a failed pass it waits a second, doubled each time up to a minute, and no event cuts that short. */
async function pause({ clock }: Parts, { failures }: Pass, alarm: Alarm, signal: AbortSignal): Promise<void> {
  try {
    if (failures > 0) await clock.sleep(Math.min(resyncMs, firstBackoffMs * 2 ** (failures - 1)), signal)
    else await alarm.wait(resyncMs, signal)
    await clock.sleep(gatherMs, signal)
    alarm.quiet()
  } catch {
    // Only the signal cuts a pause short, and the loop asks it.
  }
}
