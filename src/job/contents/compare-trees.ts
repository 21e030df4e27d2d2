import type { ListedEntry } from '../../repository/repository.ts'

export type Change = 'added' | 'removed' | 'changed'
export type ChangedField = 'type' | 'size' | 'time' | 'mode' | 'owner' | 'link'

/** What differs between two trees at one path. */
export interface Difference {
  path: string
  change: Change
  /** In what a changed entry differs; empty for the other changes. */
  fields: ChangedField[]
  /** Null where it was added. */
  before: ListedEntry | null
  /** Null where it was removed. */
  after: ListedEntry | null
}

type Entries = AsyncIterable<ListedEntry>

/**
 * Compares two trees entry by entry, in the order of a walk, in which both MUST be. Memory does not grow with them. Content is not
 * compared: a change that leaves length and time as they were is not seen. The time of a folder changes with each name in it and
 * does not count.
 */
export async function* compareTrees(before: Entries, after: Entries): AsyncGenerator<Difference> {
  const [left, right] = [before[Symbol.asyncIterator](), after[Symbol.asyncIterator]()]
  try {
    let [one, other] = await Promise.all([left.next(), right.next()])
    while (!one.done || !other.done) {
      const order = one.done ? 1 : other.done ? -1 : comparePaths(one.value.path, other.value.path)
      const found = differ(order <= 0 ? one.value : null, order >= 0 ? other.value : null)
      if (found) yield found
      if (order <= 0) one = await left.next()
      if (order >= 0) other = await right.next()
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()])
  }
}

function differ(before: ListedEntry | null, after: ListedEntry | null): Difference | undefined {
  const path = before?.path ?? after?.path ?? '.'
  if (!before || !after) return { path, change: before ? 'removed' : 'added', fields: [], before, after }
  const fields = changedFields(before, after)
  return fields.length === 0 ? undefined : { path, change: 'changed', fields, before, after }
}

function changedFields(before: ListedEntry, after: ListedEntry): ChangedField[] {
  const same: Record<ChangedField, boolean> = {
    type: before.type === after.type,
    size: before.size === after.size,
    time: before.mtimeNs === after.mtimeNs || after.type === 'directory',
    mode: before.mode === after.mode,
    owner: before.uid === after.uid && before.gid === after.gid,
    link: before.linksTo === after.linksTo && before.sharesWith === after.sharesWith,
  }
  return (Object.keys(same) as ChangedField[]).filter((field) => !same[field])
}

/** The order of a walk: a folder before what it holds, names by their UTF-16 units, as walkTree sorts them. */
export function comparePaths(one: string, other: string): number {
  const [names, others] = [one, other].map((path) => (path === '.' ? [] : path.split('/'))) as [string[], string[]]
  for (const [index, name] of names.entries()) {
    const against = others[index]
    if (against === undefined) return 1
    if (name !== against) return name < against ? -1 : 1
  }
  return names.length - others.length
}
