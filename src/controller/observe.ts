import type { Run, ScheduleState } from '../catalog/catalog.ts'
import type { Parts } from '../job/job.ts'
import { withDeadline } from '../lib/deadline.ts'
import { makePlan } from '../plan/make-plan.ts'
import { type Target, targetKey } from '../plan/plan.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { Jobs } from './jobs.ts'
import type { Situation } from './reconcile.ts'
import type { Observation, Watch } from './watch.ts'

const listSeconds = 120
/** More than the attempts at a slot and the on-change runs of six hours. */
const runsPerTarget = 20

/** Lists everything anew, and notes what is new about targets: that they were seen, and the state of their data. */
export async function observe(
  parts: Parts,
  dispatcher: Dispatcher,
  watch: Watch,
  fingerprint: Jobs['fingerprint'],
  signal: AbortSignal,
): Promise<Situation> {
  const { engine, catalog, clock, settings, methods } = parts
  using deadline = withDeadline(signal, listSeconds, 'listing the containers')
  const plan = makePlan(await engine.list(deadline), settings, methods)
  watch.follow(plan.targets.filter(({ schedule }) => schedule.kind === 'on-change').map((target) => ({
    key: targetKey(target),
    settleSeconds: target.spec.settleSeconds,
    fingerprint: (walkSignal) => fingerprint(target, walkSignal),
  }))) // biome-ignore format: one sentence
  const now = clock.now()
  const observations = watch.observations()
  const perTarget = <T>(answer: (target: Target) => T) =>
    new Map(plan.targets.map((target) => [targetKey(target), answer(target)]))
  return {
    plan,
    now,
    observations,
    schedules: perTarget((target) => note(parts, target, observations.get(targetKey(target)), now)),
    runs: perTarget(({ project, name }): Run[] =>
      catalog.runs({ project, target: name, kind: 'backup', limit: runsPerTarget }),
    ),
    running: new Set([...dispatcher.busy(), ...lockedTargets(parts)]),
    held: dispatcher.held(),
  }
}

/** A first observation in the future is left from a clock that was set back: slots would wait for that time to come again. */
function note(
  { catalog }: Parts,
  { project, name }: Target,
  observation: Observation | Error | undefined,
  now: Date,
): ScheduleState {
  const known = catalog.schedule(project, name)
  const change: Partial<ScheduleState> = {}
  if (known.firstSeen === undefined || new Date(known.firstSeen) > now) change.firstSeen = now.toISOString()
  if (observation && !(observation instanceof Error) && known.seenFingerprint !== observation.fingerprint) {
    change.seenFingerprint = observation.fingerprint
    change.seenSince = observation.since.toISOString()
  }
  if (Object.keys(change).length > 0) catalog.saveSchedule(project, name, change)
  return { ...known, ...change }
}

function lockedTargets({ catalog }: Parts): string[] {
  return catalog.holders().flatMap(({ key }) => (key.kind === 'target' ? [targetKey(key)] : []))
}
