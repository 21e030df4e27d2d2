import picomatch from 'picomatch'

/** Says whether a path relative to the root is left out. A directory that is left out takes its subtree along. */
export type Exclude = (path: string) => boolean

/**
 * Patterns are anchored at the root: `cache` and `cache/*.tmp` match there only. A leading double star and slash matches at any depth.
 * A trailing slash and double star keeps the directory itself, empty.
 */
export function excludeMatcher(patterns: string[]): Exclude {
  if (patterns.length === 0) return () => false
  return picomatch(patterns.map(anchor), { dot: true })
}

function anchor(pattern: string): string {
  const trimmed = pattern.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
  return /(^|\/)\*\*$/.test(trimmed) ? `${trimmed}/*` : trimmed
}
