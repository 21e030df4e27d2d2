import type { Dated, KeepOptions } from '../../../src/plan/retention.ts'

/**
 * The ids that contract, section 6, has kept, written anew from its text: by Temporal instead of Intl, one snapshot after the other, and
 * without a reason. It says nothing of pauses.
 */
export function keptByReference(snapshots: Dated[], options: KeepOptions): Set<string> {
  const { verified = new Set(), pinned = new Set(), latest } = options
  const nowMs = options.now.getTime()
  const ms = ({ time }: Dated) => Temporal.Instant.from(time).epochMilliseconds
  const isFuture = (one: Dated) => ms(one) > nowMs + 300_000
  const backups = snapshots.filter((one) => !isFuture(one) && one.reason !== 'safety')
  const whole = backups.filter(({ damaged, reason }) => !damaged && reason !== 'import')
  const guests = [
    backups.filter(({ damaged }) => damaged),
    backups.filter((one) => !one.damaged && one.reason === 'import'),
  ]
  const kept = new Set<string>()
  for (const one of snapshots) if (isFuture(one) || pinned.has(one.id)) kept.add(one.id)
  for (const one of snapshots) if (one.reason === 'safety' && nowMs - ms(one) < 7 * 86_400_000) kept.add(one.id)
  const judge = (among: Dated[], of: Dated[]) => {
    const promised = among.filter((one) => isPromised(one, among, options))
    const newest = among.toSorted(byTime).at(-1)
    const proven = among
      .filter(({ id }) => verified.has(id))
      .toSorted(byTime)
      .at(-1)
    for (const one of of) {
      if (promised.length === 0 || promised.includes(one) || [newest, proven].includes(one) || one.id === latest)
        kept.add(one.id)
    }
  }
  judge(whole, whole)
  for (const some of guests) judge([...whole, ...some], some)
  return kept.size > 0 ? kept : new Set(snapshots.map(({ id }) => id))
}

const byTime = (a: Dated, b: Dated): number =>
  Temporal.Instant.compare(a.time, b.time) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** Whether the policy names it: the newest of a period and younger than the duration, or among the newest. */
export function isPromised(one: Dated, among: Dated[], { policy, timezone, now }: KeepOptions): boolean {
  const later = among.filter((other) => byTime(other, one) > 0)
  if (policy.last !== undefined && later.length < policy.last) return true
  const ageSeconds = (now.getTime() - Temporal.Instant.from(one.time).epochMilliseconds) / 1000
  const dateOf = (snapshot: Dated) => Temporal.Instant.from(snapshot.time).toZonedDateTimeISO(timezone)
  const own = dateOf(one)
  const isWithin = {
    daily: (other: Dated) => dateOf(other).toPlainDate().equals(own.toPlainDate()),
    weekly: (other: Dated) =>
      dateOf(other).weekOfYear === own.weekOfYear && dateOf(other).yearOfWeek === own.yearOfWeek,
    monthly: (other: Dated) =>
      dateOf(other).toPlainDate().toPlainYearMonth().equals(own.toPlainDate().toPlainYearMonth()),
  }
  return (['daily', 'weekly', 'monthly'] as const).some(
    (period) => ageSeconds < (policy[period] ?? 0) && !later.some(isWithin[period]),
  )
}
