import type { Run, ScheduleState } from '../catalog/catalog.ts'
import { isInFuture } from './dated.ts'
import { type DueSlot, dueSlot, nextSlot } from './due.ts'
import type { Target } from './plan.ts'

/** A drill that has verified a snapshot. */
export interface Proof {
  /** ISO 8601 UTC: when it ended. */
  time: string
  seconds: number
}

/** The newest proof of each snapshot, by its id. `runs` are newest first; those that are no drills do not count. */
export function proofsOf(runs: readonly Run[]): Map<string, Proof> {
  const proofs = new Map<string, Proof>()
  for (const { drill, snapshot, finished, seconds = 0 } of runs) {
    if (drill?.verdict !== 'verified' || snapshot === undefined || finished === undefined) continue
    if (!proofs.has(snapshot)) proofs.set(snapshot, { time: finished, seconds })
  }
  return proofs
}

/** What a report says of the drills of one target. */
export interface DrillStanding {
  /** The newest drill that has ended. */
  last?: Run
  /** The newest one that has verified a snapshot. */
  verified?: Run
  /** Why an operator has to look; absent where nothing is wrong. */
  problem?: string
}

type DrillPolicy = Pick<Target, 'drill' | 'timezone' | 'drillMaxAgeSeconds'>

/** Judges the drills of a target by `runs`, newest first. A time in the future is that of a wrong clock. */
export function standingOf(
  target: DrillPolicy,
  runs: readonly Run[],
  known: { now: Date; firstSeen?: string },
): DrillStanding {
  const ended = runs.filter((run) => saysSomething(run) && !isInFuture(run.finished ?? '', known.now))
  const [last] = ended
  const verified = ended.find(({ drill }) => drill?.verdict === 'verified')
  const problem = explain(target, { last, verified, ...known })
  return { ...(last && { last }), ...(verified && { verified }), ...(problem !== undefined && { problem }) }
}

/** A drill that an operator ended, or that ended with its process, says nothing about the target. */
const saysSomething = ({ drill, finished, error }: Run): boolean =>
  drill !== undefined && finished !== undefined && error?.code !== 'CANCELLED' && error?.code !== 'INTERRUPTED'

type Known = { last: Run | undefined; verified: Run | undefined; now: Date; firstSeen?: string }

function explain(target: DrillPolicy, { last, verified, now, firstSeen }: Known): string | undefined {
  const { drill, error, finished } = last ?? {}
  if (drill && drill.verdict !== 'verified') {
    const [wrong] = drill.checks.filter(({ state }) => state === 'failed')
    const why = wrong ? `${wrong.name}: expected ${wrong.expected}, found ${wrong.actual}` : (error?.message ?? '')
    return `the drill of ${finished} ${drill.verdict === 'failed' ? 'failed' : 'could not run'}: ${why}`
  }
  const since = verified?.finished ?? firstSeen
  if (since === undefined || (target.drill === 'off' && !verified)) return undefined
  if (now.getTime() - Date.parse(since) <= target.drillMaxAgeSeconds * 1000) return undefined
  return verified ? `the newest proof is outdated: it is of ${since}` : 'no drill has ever verified a snapshot'
}

/** A drill that dies with its process is begun anew, and one that dies again and again is given up until the next slot. */
const attemptsPerSlot = 3

export interface DrillState {
  schedule: Pick<ScheduleState, 'firstSeen' | 'lastDrillSlot'>
  /** Drills, newest first. */
  drills: readonly Run[]
  /** Id of the newest backup. Absent: there is none. */
  newest: string | undefined
  now: Date
}

/** `skipped`: the slot is settled without a drill. */
export type DueDrill = DueSlot & { skipped?: Date }

/**
 * Decides whether a drill is due. A snapshot that is verified is not drilled again as long as its proof is young until the slot that comes
 * after this one.
 */
export function dueDrill(target: DrillPolicy, { schedule, drills, newest, now }: DrillState): DueDrill {
  if (target.drill === 'off') return { reason: 'drills are off' }
  const { firstSeen, lastDrillSlot } = schedule
  const state = {
    ...(firstSeen !== undefined && { firstSeen }),
    ...(lastDrillSlot !== undefined && { lastSlot: lastDrillSlot }),
  }
  const due = dueSlot({ schedule: target.drill, timezone: target.timezone }, state, now)
  const { slot } = due
  if (!slot) return due
  if (newest === undefined) return { reason: 'there is no snapshot yet' }
  const next = nextSlot(target.drill, target.timezone, now) ?? now
  const proof = proofsOf(drills).get(newest)
  const isYoung = proof && next.getTime() - Date.parse(proof.time) <= target.drillMaxAgeSeconds * 1000
  if (isYoung && !isInFuture(proof.time, now))
    return { reason: `${newest} was verified at ${proof.time}`, skipped: slot }
  const attempts = drills.filter(({ started, trigger }) => trigger === 'schedule' && new Date(started) >= slot)
  if (attempts.length >= attemptsPerSlot) return { reason: `${attempts.length} drills did not end`, skipped: slot }
  return due
}
