import type { RetentionPolicy } from '../labels/spec.ts'
import { formatDuration } from '../lib/duration.ts'
import { isInFuture } from './dated.ts'

/** The fields of a snapshot that retention decides by. `time` is ISO 8601 UTC. */
export interface Dated {
  id: string
  time: string
  /**
   * `safety` marks what a restore replaced. It never counts as the newest of a period, because it may be what had to be undone.
   */
  reason?: string
  /** Present where it is known to be damaged. It is never the last good one, and takes the place of no whole one. */
  damaged?: object
}

/** How long a safety snapshot is kept. */
const safetySeconds = 7 * 86_400

export interface KeepOptions {
  policy: RetentionPolicy
  /** IANA name of the zone in which a day begins. */
  timezone: string
  now: Date
  /** Ids of snapshots that a drill or a restore has proven. */
  verified?: ReadonlySet<string>
  /** Ids of snapshots that a running restore or replication reads. */
  pinned?: ReadonlySet<string>
}

/** A decision on one snapshot. `reasons` says why it is kept, or rule by rule why it is not. */
export interface Verdict<S extends Dated = Dated> {
  snapshot: S
  keep: boolean
  reasons: string[]
}

/**
 * Decides which snapshots of one target in one tier are kept; the result is newest first. A policy that would keep none of them
 * removes none, because it was written for snapshots that keep coming. A time in the future is that of a wrong clock: such a snapshot
 * stays and takes the place of no other. So does a damaged one while the policy would keep it if it were whole: a part of it may be all
 * that is left of its day.
 */
export function keep<S extends Dated>(snapshots: S[], options: KeepOptions): Verdict<S>[] {
  const groups = Object.groupBy(snapshots, (snapshot) => kindOf(snapshot, options))
  const { future = [], safety = [], damaged = [], regular = [] } = groups
  const verdicts = [
    ...future.map((snapshot) => ({ snapshot, keep: true, reasons: ['dated in the future'] })),
    ...keepRegular(regular, options),
    ...keepDamaged(damaged, regular, options),
    ...safety.map((snapshot) => keepSafety(snapshot, options)),
  ]
  const sorted = verdicts.toSorted((a, b) => compareDated(a.snapshot, b.snapshot))
  return sorted.some(({ keep }) => keep) ? sorted : sorted.map(({ snapshot }) => keepLast(snapshot))
}

function kindOf({ time, reason, damaged }: Dated, { now }: KeepOptions): 'future' | 'safety' | 'damaged' | 'regular' {
  if (isInFuture(time, now)) return 'future'
  if (reason === 'safety') return 'safety'
  return damaged ? 'damaged' : 'regular'
}

const nothingLeft = 'the policy would leave nothing'

/** What a restore replaced may be all that is left of a target. */
const keepLast = <S extends Dated>(snapshot: S): Verdict<S> => ({ snapshot, keep: true, reasons: [nothingLeft] })

function keepSafety<S extends Dated>(snapshot: S, { now, pinned }: KeepOptions): Verdict<S> {
  const ageSeconds = (now.getTime() - new Date(snapshot.time).getTime()) / 1000
  const reasons = pinned?.has(snapshot.id) ? ['in use'] : []
  if (ageSeconds < safetySeconds) reasons.push(`safety, for ${formatDuration(safetySeconds)}`)
  if (reasons.length > 0) return { snapshot, keep: true, reasons }
  return { snapshot, keep: false, reasons: [`safety: not younger than ${formatDuration(safetySeconds)}`] }
}

function keepRegular<S extends Dated>(snapshots: S[], options: KeepOptions): Verdict<S>[] {
  const newestFirst = snapshots.toSorted(compareDated)
  const rules = [...periodRules(newestFirst, options), ...lastRule(newestFirst, options.policy)]
  const safe = safeguards(newestFirst, options)
  const judged = newestFirst.map((snapshot) => rules.map((rule) => rule(snapshot)))
  const choosesAny = judged.flat().some(({ keep }) => keep)
  return newestFirst.map((snapshot, index) => {
    const chosen = (judged[index] ?? []).filter(({ keep }) => keep)
    const kept = [...chosen.map(({ reason }) => reason), ...safe(snapshot)]
    if (!choosesAny) kept.push(nothingLeft)
    const refused = (judged[index] ?? []).map(({ reason }) => reason)
    return { snapshot, keep: kept.length > 0, reasons: kept.length > 0 ? kept : refused }
  })
}

function keepDamaged<S extends Dated>(damaged: S[], whole: S[], options: KeepOptions): Verdict<S>[] {
  const verdicts = keepRegular([...whole, ...damaged], options).filter(({ snapshot }) => damaged.includes(snapshot))
  return verdicts.map((verdict) => ({ ...verdict, reasons: [...verdict.reasons, 'damaged'] }))
}

type Rule = (snapshot: Dated) => { keep: boolean; reason: string }

const periods = { daily: dayOf, weekly: weekOf, monthly: monthOf } as const

/** Keeps the newest snapshot of each period while it is younger than the duration. */
function periodRules(newestFirst: Dated[], { policy, timezone, now }: KeepOptions): Rule[] {
  const local = localDates(timezone)
  return (['daily', 'weekly', 'monthly'] as const).flatMap((name): Rule[] => {
    const seconds = policy[name]
    if (seconds === undefined) return []
    const periodOf = (snapshot: Dated) => periods[name](local(snapshot.time))
    const newest = Map.groupBy(newestFirst, periodOf)
    return [
      (snapshot) => {
        const period = periodOf(snapshot)
        if (newest.get(period)?.[0] !== snapshot) return { keep: false, reason: `${name}: not the newest of ${period}` }
        const ageSeconds = (now.getTime() - new Date(snapshot.time).getTime()) / 1000
        if (ageSeconds < seconds) return { keep: true, reason: `${name} ${period}` }
        return { keep: false, reason: `${name}: not younger than ${formatDuration(seconds)}` }
      },
    ]
  })
}

function lastRule(newestFirst: Dated[], { last }: RetentionPolicy): Rule[] {
  if (last === undefined) return []
  return [
    (snapshot) => {
      const place = newestFirst.indexOf(snapshot) + 1
      if (place <= last) return { keep: true, reason: `last ${place} of ${last}` }
      return { keep: false, reason: `last: not among the newest ${last}` }
    },
  ]
}

function safeguards(newestFirst: Dated[], { verified, pinned }: KeepOptions): (snapshot: Dated) => string[] {
  const newest = newestFirst[0]
  const newestVerified = newestFirst.find(({ id }) => verified?.has(id))
  return (snapshot) => [
    ...(snapshot === newest ? ['newest'] : []),
    ...(snapshot === newestVerified ? ['newest verified'] : []),
    ...(pinned?.has(snapshot.id) ? ['in use'] : []),
  ]
}

/** Converts a time to the calendar date in the zone, as UTC midnight, so that arithmetic on it meets no clock change. */
function localDates(timezone: string): (time: string) => Date {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: timezone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  })
  return (time) => {
    const parts = Object.fromEntries(
      format.formatToParts(new Date(time)).map(({ type, value }) => [type, Number(value)]),
    )
    return new Date(Date.UTC(parts.year as number, (parts.month as number) - 1, parts.day))
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

function monthOf(date: Date): string {
  return date.toISOString().slice(0, 7)
}

/** By ISO 8601 a week belongs to the year that its Thursday lies in. */
function weekOf(date: Date): string {
  const dayMs = 86_400_000
  const thursday = new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * dayMs)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * dayMs)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

const compareDated = (a: Dated, b: Dated): number => compare(b.time, a.time) || compare(b.id, a.id)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
