import type { Facts, Snapshot } from '../repository/repository.ts'
import type { SnapshotSummary } from './observe.ts'

/** A newest backup that has much less in it than those before it: data may have been lost before it was taken. */
export interface Shrunk {
  snapshot: string
  /** `items`: files of a tree, keys, rows or documents of a database. */
  what: 'bytes' | 'items'
  /** The least of the three backups before it. */
  before: number
  now: number
}

const compared = 3
/** What is smaller than that may halve by chance; it is told only where nothing is left of it. */
const least = { bytes: 100_000, items: 10 }

/** Judges the newest of the backups of one target: less than half of each of the three before it. Null where it is not so. */
export function findShrunk(backups: SnapshotSummary[]): Shrunk | null {
  const byId = new Map(backups.filter(({ damaged }) => !damaged).map((backup) => [backup.id, backup]))
  const [newest, ...earlier] = [...byId.values()].toSorted((a, b) => (a.time < b.time ? 1 : -1))
  if (!newest || earlier.length < compared) return null
  for (const what of ['items', 'bytes'] as const) {
    const before = Math.min(...earlier.slice(0, compared).map((backup) => backup[what]))
    const now = newest[what]
    if (now < before / 2 && (before >= least[what] || now === 0)) return { snapshot: newest.id, what, before, now }
  }
  return null
}

/** What a snapshot holds, counted: the keys, rows or documents that its facts tell, else its files. */
export function countItems({ facts, files }: Pick<Snapshot, 'facts' | 'files'>): number {
  const counts = Object.entries(facts).flatMap(([name, value]) => countsOf(name, value))
  return counts.length === 0 ? files : counts.reduce((sum, count) => sum + count, 0)
}

function countsOf(name: string, value: Facts[string]): number[] {
  if (name === 'keys' && typeof value === 'number') return [value]
  const isCounts = /^(rows|documents) of | rows$/.test(name)
  if (!isCounts || typeof value !== 'object' || value === null) return []
  return Object.values(value).filter((count) => typeof count === 'number')
}
