import type { ScheduleState } from '../catalog/catalog.ts'
import { dueSlot } from '../plan/due.ts'
import { groupKey, type Target, targetKey } from '../plan/plan.ts'
import type { ObservedTargets } from '../report/observe.ts'
import { attemptsPerSlot, consecutiveFailures, isBackingOff, isCancelled, isCoolingDown } from './backoff.ts'
import { type Observation, stableSeconds } from './watch.ts'

/** Everything that a decision rests on, at one moment. Maps and sets are keyed by `targetKey`. */
export interface ReconcileInput extends ObservedTargets {
  /** Targets that this process has queued or is backing up. */
  active: ReadonlySet<string>
  /** Targets that are left alone for a minute, because their last run may have failed without a record of it. */
  backedOff: ReadonlySet<string>
  /** What is known of the data of on-change targets. */
  observations: ReadonlyMap<string, Observation | Error>
}

/** One thing to do now, and the reason for it. */
export interface Action {
  kind: 'backup'
  cause: 'schedule' | 'change'
  /** They are captured in one quiesce window. */
  targets: ActionTarget[]
  reason: string
}

export interface ActionTarget {
  target: Target
  /** What is saved in the schedule of the target once a run has left a snapshot. */
  onSuccess: Partial<ScheduleState>
}

/**
 * Decides what is to be done now. A slot or a change counts as done only when a run has left a snapshot, so that a run is repeated after
 * a crash, and after a failure in 1, 5 and 15 minutes. A slot that has failed four times, or whose run an operator has cancelled, is given
 * up; the next one is awaited.
 */
export function reconcile(input: ReconcileInput): Action[] {
  const due = input.plan.targets.flatMap((target) => {
    const action = target.schedule.kind === 'on-change' ? dueByChange(target, input) : dueBySlot(target, input)
    return action ?? []
  })
  const actions = completeGroups(due, input.plan.targets)
  return actions.filter(({ targets }) => targets.every(({ target }) => isFree(target, input)))
}

function isFree(target: Target, { active, locked, backedOff }: ReconcileInput): boolean {
  const key = targetKey(target)
  return !active.has(key) && !locked.has(key) && !backedOff.has(key) && !awaitsFirstStart(target)
}

/**
 * A container that was created and never started has empty volumes: on a bare host that is so between `compose create` and
 * `restore --all`. A snapshot of them would be the newest one, which is the one that the restore takes.
 */
const awaitsFirstStart = ({ container }: Target): boolean => container.state === 'created'

/** Makes one action for each group. When one member is due all of them are captured, so that every set is complete. */
function completeGroups(due: Action[], targets: Target[]): Action[] {
  const isWith = (one: Target) => (other: Target) => other === one || groupKey(other) === groupKey(one)
  const firstOfGroups = due.filter(({ targets: [first] }, index) => {
    const earlier = due.slice(0, index).flatMap((action) => action.targets)
    return first && !earlier.some(({ target }) => isWith(first.target)(target))
  })
  const updates = new Map(due.flatMap((action) => action.targets).map(({ target, onSuccess }) => [target, onSuccess]))
  return firstOfGroups.map((action) => {
    const [first] = action.targets
    const members = targets.filter((target) => first && isWith(first.target)(target))
    return { ...action, targets: members.map((target) => ({ target, onSuccess: updates.get(target) ?? {} })) }
  })
}

function dueBySlot(target: Target, { schedules, runs, now }: ReconcileInput): Action | undefined {
  const key = targetKey(target)
  const { slot, reason } = dueSlot(target, schedules.get(key) ?? {}, now)
  if (!slot) return undefined
  const failures = consecutiveFailures(runs.get(key) ?? []).filter(({ started }) => new Date(started) >= slot)
  if (failures.length >= attemptsPerSlot || isBackingOff(failures, now) || failures.some(isCancelled)) return undefined
  const attempt = failures.length === 0 ? '' : `, attempt ${failures.length + 1} of ${attemptsPerSlot}`
  const targets = [{ target, onSuccess: { lastSlot: slot.toISOString() } }]
  return { kind: 'backup', cause: 'schedule', targets, reason: `${reason}${attempt}` }
}

function dueByChange(target: Target, input: ReconcileInput): Action | undefined {
  const { schedules, runs, observations, now } = input
  const key = targetKey(target)
  const { settleSeconds } = target.spec
  const observation = observations.get(key)
  if (!observation || observation instanceof Error) return undefined
  const { capturedFingerprint, changedSince } = schedules.get(key) ?? {}
  const isDamaged = input.damaged.has(key)
  if (observation.fingerprint === capturedFingerprint && !isDamaged) return undefined
  const stillness = describeStillness(target, observation, { changedSince, now })
  if (stillness === undefined) return undefined
  const past = runs.get(key) ?? []
  if (isBackingOff(consecutiveFailures(past), now) || isCoolingDown(past, settleSeconds, now)) return undefined
  const change = describeChange(capturedFingerprint, isDamaged)
  const onSuccess = { capturedFingerprint: observation.fingerprint, changedSince: undefined }
  return { kind: 'backup', cause: 'change', targets: [{ target, onSuccess }], reason: `${change} and ${stillness}` }
}

function describeChange(capturedFingerprint: string | undefined, isDamaged: boolean): string {
  if (isDamaged) return 'the newest snapshot is damaged'
  return capturedFingerprint === undefined ? 'the data was never captured' : 'the data has changed'
}

/** Why the data may be captured now. Undefined while it has to wait to be still, which it does for `max-wait` at most. */
function describeStillness(
  { spec }: Target,
  observation: Observation,
  { changedSince, now }: { changedSince: string | undefined; now: Date },
): string | undefined {
  if (stableSeconds(observation) >= spec.settleSeconds) return `is still since ${observation.since.toISOString()}`
  const waitedMs = changedSince === undefined ? 0 : now.getTime() - Date.parse(changedSince)
  return waitedMs < spec.maxWaitSeconds * 1000 ? undefined : `has not been still since ${changedSince}`
}
