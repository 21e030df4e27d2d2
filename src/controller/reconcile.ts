import type { Run, ScheduleState } from '../catalog/catalog.ts'
import { dueSlot } from '../plan/due.ts'
import { groupKey, type Plan, type Target, targetKey } from '../plan/plan.ts'
import { attemptsPerSlot, awaitsRetry, failuresInARow, restsAfterSuccess } from './backoff.ts'
import { type Observation, stillSeconds } from './watch.ts'

/** All that a decision rests on, at one moment. Maps and sets are keyed by `targetKey`. */
export interface Situation {
  plan: Plan
  schedules: ReadonlyMap<string, ScheduleState>
  /** Backup runs, newest first. */
  runs: ReadonlyMap<string, Run[]>
  /** Worked on, by this process or another. */
  running: ReadonlySet<string>
  /** Left alone for a moment: their last run ended without a record of it. */
  held: ReadonlySet<string>
  /** What is known of the data of on-change targets. */
  observations: ReadonlyMap<string, Observation | Error>
  now: Date
}

/** One thing to do now, and why. */
export interface Action {
  kind: 'backup'
  cause: 'schedule' | 'change'
  /** Captured in one quiesce window. */
  targets: Assignment[]
  reason: string
}

export interface Assignment {
  target: Target
  /** Saved once a run has left a snapshot. */
  remember: Partial<ScheduleState>
}

/**
 * What is to be done now. A slot or a change counts as done only when a run has left a snapshot: a crash in mid-run repeats it, and so
 * does a failure, after 1, 5 and 15 minutes; a slot that failed four times is given up and the next one is awaited.
 */
export function reconcile(situation: Situation): Action[] {
  const free = (target: Target) => {
    const key = targetKey(target)
    return !situation.running.has(key) && !situation.held.has(key) && !awaitsFirstStart(target)
  }
  const due = situation.plan.targets.flatMap((target) => {
    const action = target.schedule.kind === 'on-change' ? onChange(target, situation) : onSchedule(target, situation)
    return action ?? []
  })
  const actions = wholeGroups(due, situation.plan.targets)
  return actions.filter(({ targets }) => targets.every(({ target }) => free(target)))
}

/**
 * Created and never started: on a bare host, between `compose create` and `restore --all`. A snapshot of the empty volumes would be the
 * newest one, and that is what the restore would take.
 */
const awaitsFirstStart = ({ container }: Target): boolean => container.state === 'created'

/** One action a group: when one of it is due, all of it is captured, so that every set is whole. */
function wholeGroups(due: Action[], targets: Target[]): Action[] {
  const isOf = (one: Target) => (other: Target) => other === one || groupKey(other) === groupKey(one)
  const first = due.filter(({ targets: [one] }, index) => {
    const earlier = due.slice(0, index).flatMap((action) => action.targets)
    return one && !earlier.some(({ target }) => isOf(one.target)(target))
  })
  return first.map((action) => {
    const [one] = action.targets
    const members = targets.filter((target) => one && isOf(one.target)(target))
    const remembered = new Map(due.flatMap((other) => other.targets).map(({ target, remember }) => [target, remember]))
    return { ...action, targets: members.map((target) => ({ target, remember: remembered.get(target) ?? {} })) }
  })
}

function onSchedule(target: Target, { schedules, runs, now }: Situation): Action | undefined {
  const key = targetKey(target)
  const { slot, reason } = dueSlot(target, schedules.get(key) ?? {}, now)
  if (!slot) return undefined
  const failures = failuresInARow(runs.get(key) ?? []).filter(({ started }) => new Date(started) >= slot)
  if (failures.length >= attemptsPerSlot || awaitsRetry(failures, now)) return undefined
  const attempt = failures.length === 0 ? '' : `, attempt ${failures.length + 1} of ${attemptsPerSlot}`
  const assignment = { target, remember: { lastSlot: slot.toISOString() } }
  return { kind: 'backup', cause: 'schedule', targets: [assignment], reason: `${reason}${attempt}` }
}

function onChange(target: Target, { schedules, runs, observations, now }: Situation): Action | undefined {
  const key = targetKey(target)
  const observation = observations.get(key)
  if (!observation || observation instanceof Error || stillSeconds(observation) < target.spec.settleSeconds)
    return undefined
  const { capturedFingerprint } = schedules.get(key) ?? {}
  if (observation.fingerprint === capturedFingerprint) return undefined
  const past = runs.get(key) ?? []
  if (awaitsRetry(failuresInARow(past), now) || restsAfterSuccess(past, target.spec.settleSeconds, now))
    return undefined
  const change = capturedFingerprint === undefined ? 'the data was never captured' : 'the data has changed'
  const assignment = { target, remember: { capturedFingerprint: observation.fingerprint } }
  const reason = `${change} and is still since ${observation.since.toISOString()}`
  return { kind: 'backup', cause: 'change', targets: [assignment], reason }
}
