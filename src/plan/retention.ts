import type { RetentionPolicy } from '../labels/spec.ts'
import { formatDuration } from '../lib/duration.ts'
import { isInFuture } from './dated.ts'
import { periods, periodsIn } from './periods.ts'

/** The fields of a snapshot that retention decides by. `time` is ISO 8601 UTC. */
export interface Dated {
  id: string
  time: string
  /**
   * `safety` marks what a restore replaced, and `import` what another program wrote. Neither takes the place of a backup: the one may be what
   * had to be undone, and the other is removed again when its restore fails.
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
  /** Ids of snapshots that have still to be copied to the remote repository. */
  waiting?: ReadonlySet<string>
  /** Id of what the last backup left. By its time it is not the newest where the clock was wrong then. */
  latest?: string
  /** Whether a pause spares what lies before it, see `sparedByPause`: for who removes without being asked. Default: false. */
  sparesPause?: boolean
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
 * that is left of its day. So does an import, while the policy would keep it if it were a backup.
 */
export function keep<S extends Dated>(snapshots: S[], options: KeepOptions): Verdict<S>[] {
  const groups = Object.groupBy(snapshots, (snapshot) => kindOf(snapshot, options))
  const { future = [], safety = [], damaged = [], import: imported = [], regular = [] } = groups
  const verdicts = [
    ...future.map((snapshot) => ({ snapshot, keep: true, reasons: ['dated in the future'] })),
    ...keepRegular(regular, options),
    ...keepBeside(damaged, regular, options, 'damaged'),
    ...keepBeside(imported, regular, options, 'import'),
    ...safety.map((snapshot) => keepSafety(snapshot, options)),
  ]
  const sorted = verdicts.toSorted((a, b) => compareDated(a.snapshot, b.snapshot))
  return sorted.some(({ keep }) => keep) ? sorted : sorted.map(({ snapshot }) => keepLast(snapshot))
}

type Kind = 'future' | 'safety' | 'damaged' | 'import' | 'regular'

function kindOf({ time, reason, damaged }: Dated, { now }: KeepOptions): Kind {
  if (isInFuture(time, now)) return 'future'
  if (reason === 'safety') return 'safety'
  if (damaged) return 'damaged'
  return reason === 'import' ? 'import' : 'regular'
}

/** The reason of what is kept for the sake of no rule. */
export const nothingLeft = 'the policy would leave nothing'

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

/** Judges snapshots as if they were regular ones, of which none loses its place to them. */
function keepBeside<S extends Dated>(some: S[], regular: S[], options: KeepOptions, why: string): Verdict<S>[] {
  if (some.length === 0) return []
  const verdicts = keepRegular([...regular, ...some], options).filter(({ snapshot }) => some.includes(snapshot))
  return verdicts.map((verdict) => ({ ...verdict, reasons: [...verdict.reasons, why] }))
}

type Rule = (snapshot: Dated) => { keep: boolean; reason: string }

/** Keeps the newest snapshot of each period while it is younger than the duration. */
function periodRules(newestFirst: Dated[], { policy, timezone, now }: KeepOptions): Rule[] {
  const nameOf = periodsIn(timezone)
  return periods.flatMap((name): Rule[] => {
    const seconds = policy[name]
    if (seconds === undefined) return []
    const periodOf = (snapshot: Dated) => nameOf(name, snapshot.time)
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

function safeguards(newestFirst: Dated[], options: KeepOptions): (snapshot: Dated) => string[] {
  const { verified, pinned, waiting, latest } = options
  const newest = newestFirst[0]
  const newestVerified = newestFirst.find(({ id }) => verified?.has(id))
  const spared = sparedByPause(newestFirst, options)
  return (snapshot) => [
    ...(snapshot === newest ? ['newest'] : snapshot.id === latest ? ['last backup'] : []),
    ...(snapshot === newestVerified ? ['newest verified'] : []),
    ...(pinned?.has(snapshot.id) ? ['in use'] : []),
    ...(waiting?.has(snapshot.id) ? ['waits to be copied to the remote repository'] : []),
    ...(spared.has(snapshot) ? ['before or after a pause'] : []),
  ]
}

/** A longer time without a backup is a pause: the machine was off, the backups failed, or the clock jumped. */
const pauseMs = 7 * 86_400_000
const sparedDays = 7

/**
 * The last snapshots of the newest seven days with one, where a pause lies among them or after them. All that was taken before a pause is
 * old by the day when the backups begin again, and the first of them would be all that a policy of durations keeps.
 */
function sparedByPause(newestFirst: Dated[], { policy, timezone, now, sparesPause }: KeepOptions): ReadonlySet<Dated> {
  const hasDurations = periods.some((period) => policy[period] !== undefined)
  if (!sparesPause || !hasDurations) return new Set()
  const nameOf = periodsIn(timezone)
  const days = [...Map.groupBy(newestFirst, ({ time }) => nameOf('daily', time)).values()]
  const last = days.slice(0, sparedDays).flatMap(([newest]) => newest ?? [])
  const times = [now.getTime(), ...last.map(({ time }) => Date.parse(time))]
  const hasPause = last.some((_, index) => (times[index] as number) - (times[index + 1] as number) > pauseMs)
  return new Set(hasPause ? last : [])
}

const compareDated = (a: Dated, b: Dated): number => compare(b.time, a.time) || compare(b.id, a.id)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
