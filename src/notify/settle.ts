import type { Judgement } from './conditions.ts'
import { type EventName, events } from './events.ts'
import type { Item } from './message.ts'
import type { Open } from './state.ts'

type OpenByKey = Record<string, Open>

/** What has begun or ended is put into the state as not told yet; what began and ended without being told is forgotten. */
export function mergeOpen(before: OpenByKey, { conditions, judges }: Judgement, now: Date): OpenByKey {
  const time = now.toISOString()
  const found = conditions.map((condition): [string, Open] => {
    const { since = time, told } = before[condition.key] ?? {}
    return [condition.key, { ...condition, since: earlier(since, time), ...(told && { told }) }]
  })
  const present = new Set(found.map(([key]) => key))
  const absent = Object.entries(before).flatMap(([key, open]): [string, Open][] => {
    if (present.has(key)) return []
    if (!judges(open)) return [[key, open]]
    if (!open.told) return []
    return [[key, { ...open, goneSince: earlier(open.goneSince ?? time, time) }]]
  })
  return Object.fromEntries([...found, ...absent])
}

/** What is to be told now, because it has been so for long enough. */
export function newsOf(open: OpenByKey, now: Date): { item: Item; key: string; since: string }[] {
  return Object.values(open).flatMap((each) => {
    const { key, since, told, goneSince, ...rest } = each
    const changed = told ? goneSince : since
    if (changed === undefined) return []
    if (now.getTime() - Date.parse(changed) < events[each.event].settleSeconds * 1000) return []
    const state = told ? ('ended' as const) : ('began' as const)
    // What ends needs no advice any more.
    const { hint, ...item } = rest
    return [{ key, since: changed, item: { ...item, state, ...(!told && hint !== undefined && { hint }) } }]
  })
}

/** The state after it was told: what has ended is forgotten. */
export function markTold(open: OpenByKey, told: string[]): OpenByKey {
  return Object.fromEntries(
    Object.entries(open).flatMap(([key, each]): [string, Open][] => {
      if (!told.includes(key)) return [[key, each]]
      return each.told || isOnce(each.event) ? [] : [[key, { ...each, told: true }]]
    }),
  )
}

const isOnce = (event: EventName): boolean => 'once' in events[event]

/** A clock that was set back would otherwise let nothing settle until it has caught up. */
const earlier = (one: string, other: string): string => (one < other ? one : other)
