import type { Damage, TargetId } from './repository.ts'

/** How much of a snapshot is read, from the least: its description, the length of each file too, or every byte. */
export type Depth = 'manifest' | 'sizes' | 'bytes'

/** A snapshot that was found damaged, and was not found whole since. */
export interface KnownDamage extends Place {
  /** ISO 8601 UTC: when it was found last. */
  found: string
  /** Only an inspection that reads as much can find that it is whole. */
  depth: Depth
  files: Pick<Damage, 'file' | 'reason'>[]
}

/** Where a snapshot lies in its repository. Two folders of one id are two places: somebody may have copied one of them. */
export interface Place extends TargetId {
  id: string
}

export const placeKey = ({ project, target, id }: Place): string => [project, target, id].join('/')

/** Those that lie at none of the places. */
export function notAmong<P extends Place>(some: P[], places: Place[]): P[] {
  if (some.length === 0) return []
  const keys = new Set(places.map(placeKey))
  return some.filter((one) => !keys.has(placeKey(one)))
}

/** Remembers the damage of repositories by their addresses. The catalog does. */
export interface DamageMemory {
  /** By project, target and id. */
  read(url: string): KnownDamage[]
  /** Replaces what is known by what `merge` makes of it, in one step. */
  change(url: string, merge: (known: KnownDamage[]) => KnownDamage[]): void
}

/** The result of reading snapshots of one repository. */
export interface Inspection {
  depth: Depth
  /** ISO 8601 UTC: when it ended. */
  ended: string
  damages: Damage[]
  /** Says of a place without damage what became of it; `unknown` where it was not read. */
  verdict(place: Place): 'whole' | 'gone' | 'unknown'
  /** What was known when it began. It says nothing of what another process has found since. */
  before: KnownDamage[]
}

/**
 * Makes what is known after an inspection. Damage that only reading every byte could find is not forgotten because the lengths are right;
 * that of a snapshot which is gone is. An entry that stays as it was is the same object.
 */
export function mergeInspection(known: KnownDamage[], inspection: Inspection): KnownDamage[] {
  const found = Map.groupBy(inspection.damages, placeKey)
  const earlier = new Map(known.map((entry) => [placeKey(entry), entry]))
  const kept = known.filter((entry) => !found.has(placeKey(entry)) && !isOver(entry, inspection))
  const entries = [...found].map(([key, damages]) => {
    const [{ project, target, id }] = damages as [Damage]
    const files = damages.map(({ file, reason }) => ({ file, reason }))
    const depth = deeper(earlier.get(key)?.depth ?? 'manifest', inspection.depth)
    return { project, target, id, found: inspection.ended, depth, files }
  })
  return [...kept, ...entries]
}

function isOver(entry: KnownDamage, { before, verdict, depth }: Inspection): boolean {
  const key = placeKey(entry)
  if (!before.some((each) => placeKey(each) === key && each.found === entry.found)) return false
  const now = verdict(entry)
  return now === 'gone' || (now === 'whole' && deeper(entry.depth, depth) === depth)
}

const depths: Depth[] = ['manifest', 'sizes', 'bytes']

const deeper = (one: Depth, other: Depth): Depth => (depths.indexOf(one) > depths.indexOf(other) ? one : other)

/** A sentence part on the first damaged file, and how many more there are. */
export function explainDamage([first, ...others]: KnownDamage['files']): string {
  const more = others.length === 0 ? '' : `, and ${others.length} more ${others.length === 1 ? 'file' : 'files'}`
  return `${first?.file} ${first?.reason}${more}`
}
