import picomatch from 'picomatch'
import { explainGlob, globMatcher } from '../glob.ts'

/** Says whether a path relative to the root is left out. A directory that is left out takes its subtree along. */
export type Exclude = (path: string) => boolean

/**
 * Patterns are anchored at the root: `cache` and `cache/*.tmp` match there only. A leading double star and slash matches at any depth.
 * A trailing slash and double star keeps the directory itself, empty.
 */
export function excludeMatcher(patterns: string[]): Exclude {
  const matchers = patterns.map(anchor).map(compile)
  return (path) => matchers.some((matches) => matches(path))
}

/** Labels take plain globs only. Manifests of earlier versions may hold others, and their restore must leave the same files alone. */
const compile = (pattern: string): Exclude =>
  explainGlob(pattern) === undefined ? globMatcher(pattern) : picomatch(pattern, { dot: true })

function anchor(pattern: string): string {
  const trimmed = pattern.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
  return /(^|\/)\*\*$/.test(trimmed) ? `${trimmed}/*` : trimmed
}
