import type { ScheduleState } from '../catalog/catalog.ts'
import type { Parts } from '../job/job.ts'
import { withDeadline } from '../lib/deadline.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import { observeTargets } from '../report/observe.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Jobs } from './jobs.ts'
import type { ReconcileInput } from './reconcile.ts'
import type { Observation, Watch, WatchedTarget } from './watch.ts'

const listSeconds = 120

/** Observes everything anew, tells the watch what to watch, and records what is new about targets in their schedules. */
export async function observeForPass(
  parts: Parts,
  { jobs, watch, dispatcher }: { jobs: Jobs; watch: Watch; dispatcher: Dispatcher },
  signal: AbortSignal,
): Promise<ReconcileInput> {
  using deadline = withDeadline(signal, listSeconds, 'listing the containers')
  const observed = await observeTargets(parts, deadline)
  const { targets } = observed.plan
  const onChange = targets.filter(({ schedule }) => schedule.kind === 'on-change')
  watch.setTargets(onChange.map((target) => watched(target, jobs)))
  const observations = watch.observations()
  const byTarget = <T>(answer: (target: Target, key: string) => T) =>
    new Map(targets.map((target) => [targetKey(target), answer(target, targetKey(target))]))
  return {
    ...observed,
    observations,
    schedules: byTarget((target, key) => {
      const known = observed.schedules.get(key) ?? {}
      const news = newsOf(known, observations.get(key), observed.now)
      if (Object.keys(news).length > 0) parts.catalog.saveSchedule(target.project, target.name, news)
      return { ...known, ...news }
    }),
    active: new Set(dispatcher.active()),
    backedOff: dispatcher.backedOff(),
  }
}

const watched = (target: Target, jobs: Jobs): WatchedTarget => ({
  key: targetKey(target),
  settleSeconds: target.spec.settleSeconds,
  fingerprint: (signal) => jobs.fingerprint(target, signal),
})

/** When the data began to differ from what was captured. A time in the future comes from a clock that has been set back. */
function beganToDiffer({ changedSince }: ScheduleState, since: Date, now: Date): string {
  const isKnown = changedSince !== undefined && new Date(changedSince) <= now
  return isKnown ? changedSince : since.toISOString()
}

/** A walk may come every second; each that is recorded is a write to the disk. */
const recordMs = 60_000

/**
 * What the schedule of a target does not know yet: when it was first seen, and the state of its data. A `firstSeen` in the future comes
 * from a clock that has been set back; it is replaced, because slots before it would never be run.
 */
function newsOf(known: ScheduleState, observation: Observation | Error | undefined, now: Date): Partial<ScheduleState> {
  const news: Partial<ScheduleState> = {}
  if (known.firstSeen === undefined || new Date(known.firstSeen) > now) news.firstSeen = now.toISOString()
  if (!observation || observation instanceof Error) return news
  const { fingerprint, since, seen } = observation
  const isNew = known.seenFingerprint !== fingerprint
  if (isNew) {
    news.seenFingerprint = fingerprint
    news.seenSince = since.toISOString()
  }
  const recorded = known.seenAt === undefined ? Number.NaN : Date.parse(known.seenAt)
  const changedSince = fingerprint === known.capturedFingerprint ? undefined : beganToDiffer(known, since, now)
  if (changedSince !== known.changedSince) news.changedSince = changedSince
  // A time from before the clock was set back is replaced too.
  if (isNew || !(Math.abs(seen.getTime() - recorded) < recordMs)) news.seenAt = seen.toISOString()
  return news
}
