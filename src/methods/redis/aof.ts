/** The manifest of a multi-part append-only file that holds one RDB and nothing else. */
export interface AofManifest {
  base: string
  /** Empty, and there so that the server appends to a file that holds nothing old. */
  increment: string
  text: string
}

/**
 * The format: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/. Left to itself a server with a base alone
 * would append to `….1.incr.aof`, and so to an old file of that name.
 */
export function manifestOf(name: string, sequence: number): AofManifest {
  const base = `${name}.${sequence}.base.rdb`
  const increment = `${name}.${sequence}.incr.aof`
  const text = [
    `file ${quote(base)} seq ${sequence} type b`,
    `file ${quote(increment)} seq ${sequence} type i`,
    '',
  ].join('\n')
  return { base, increment, text }
}

/** A number above that of every file in the folder. */
export function nextSequence(name: string, entries: readonly string[]): number {
  const numbers = entries
    .filter((entry) => entry.startsWith(`${name}.`))
    .map((entry) => /^\d+/.exec(entry.slice(name.length + 1)))
  return Math.max(0, ...numbers.map((match) => Number(match?.[0] ?? 0))) + 1
}

const quote = (file: string): string => (/[\s"'\\]/.test(file) ? JSON.stringify(file) : file)
