/**
 * JSON that is the same for equal values. Keys are in order, and null fields are left out, since servers add and drop
 * them.
 */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (isRecord(part) ? ordered(part) : part))
}

/** Whether every field of `part` is in `whole` with the same value. Further fields of `whole` do not matter. */
export function contains(whole: unknown, part: unknown): boolean {
  if (!isRecord(part)) return canonical(whole) === canonical(part)
  return isRecord(whole) && Object.keys(ordered(part)).every((key) => contains(whole[key], part[key]))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const ordered = (record: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(record)
      .filter((key) => record[key] !== null && record[key] !== undefined)
      .toSorted()
      .map((key) => [key, record[key]]),
  )
