import { expandBraces } from '../../lib/glob.ts'
import { DATA } from './layout.ts'

/**
 * The patterns of restic for globs relative to the root of a tree: see `excludeMatcher`. Both know `*`, `?`, classes, `\` and `**`;
 * restic knows no braces, and would make another path of one with an empty name or dots in it, which no glob of ours matches.
 */
export function excludeFlags(globs: string[]): string[] {
  return globs.flatMap(patternsOf).flatMap((pattern) => ['--exclude', `${DATA}/${pattern}`])
}

function patternsOf(glob: string): string[] {
  const trimmed = glob.replace(/^(\.?\/)+/, '').replace(/\/+$/, '')
  const anchored = /(^|\/)\*\*$/.test(trimmed) ? `${trimmed}/*` : trimmed
  // A path that is written as the glob is matches too, whatever its characters mean.
  return [...(expandBraces(anchored) ?? []), escapePattern(anchored)].filter((pattern) =>
    pattern.split('/').every((name) => !['', '.', '..'].includes(name)),
  )
}

/** A pattern that matches this path alone. */
export const escapePattern = (path: string): string => path.replace(/[\\*?[\]]/g, '\\$&')
