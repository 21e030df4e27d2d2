/** A copy of a JSON document in which `scrub` has cleaned every text that is a value. */
export function scrubAll<T>(document: T, scrub: (text: string) => string): T {
  if (document === undefined) return document
  return JSON.parse(JSON.stringify(document, (_key, value) => (typeof value === 'string' ? scrub(value) : value)))
}
