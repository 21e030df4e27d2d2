/** The manifest of a multi-part append-only file that consists of one RDB, and the names of the files that it lists. */
export interface AofManifest {
  /** The file that holds the RDB. */
  base: string
  /** The file that the server appends to. It MUST be there and be empty. */
  increment: string
  text: string
}

/**
 * The format is described at https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/. The manifest lists an increment
 * too, because a server that finds only a base appends to `….1.incr.aof`, and there may be an old file of that name.
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

/** A number above that of every file of this append-only file in the folder. `entries` are the names of all files there. */
export function nextSequence(name: string, entries: readonly string[]): number {
  const numbers = entries
    .filter((entry) => entry.startsWith(`${name}.`))
    .map((entry) => /^\d+/.exec(entry.slice(name.length + 1)))
  return Math.max(0, ...numbers.map((match) => Number(match?.[0] ?? 0))) + 1
}

const quote = (file: string): string => (/[\s"'\\]/.test(file) ? JSON.stringify(file) : file)
