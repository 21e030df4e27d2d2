import { globMatcher } from '../glob.ts'

/** Says whether a path relative to the root is left out. A directory that is left out takes its subtree along. */
export type Exclude = (path: string) => boolean

/**
 * Patterns are anchored at the root: `cache` and `cache/*.tmp` match there only. A leading double star and slash matches at any depth.
 * A trailing slash and double star keeps the directory itself, empty.
 */
export function excludeMatcher(patterns: string[]): Exclude {
  const matchers = patterns.map(anchor).map(globMatcher)
  return (path) => matchers.some((matches) => matches(path))
}

function anchor(pattern: string): string {
  const trimmed = pattern.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
  return /(^|\/)\*\*$/.test(trimmed) ? `${trimmed}/*` : trimmed
}
