import { distance } from 'fastest-levenshtein'
import { BackupError } from '../../errors.ts'
import type { TreeEntry } from './entry.ts'
import { isAtOrBelow } from './only.ts'

/** Chooses the entries that a caller asked for by path. */
export interface Pick {
  /** Answers `asked` for a path that was asked for or lies below one, `way` for a directory on the way to one, else undefined. */
  wants(entry: TreeEntry): 'asked' | 'way' | undefined
  /** Throws NO_SUCH_SNAPSHOT where a path that was asked for was not there. */
  proveFound(): void
}

export function pickPaths(only: string[] | undefined): Pick {
  if (!only) return { wants: () => 'asked', proveFound: () => {} }
  const asked = only.map((path) => ({
    path: normalize(path),
    found: false,
    nearest: '',
    distance: Number.POSITIVE_INFINITY,
  }))
  return {
    wants: (entry) => {
      let wanted: 'asked' | 'way' | undefined
      for (const pick of asked) {
        if (isAtOrBelow(entry.path, pick.path)) {
          pick.found = true
          wanted = 'asked'
        } else if (entry.type === 'directory' && isAtOrBelow(pick.path, entry.path)) wanted ??= 'way'
        if (!pick.found) remember(pick, entry.path)
      }
      return wanted
    },
    proveFound: () => {
      const missing = asked.find((pick) => !pick.found)
      if (!missing) return
      const nearest = missing.nearest && `; the nearest is ${missing.nearest}`
      throw new BackupError('NO_SUCH_SNAPSHOT', `no ${missing.path} in the snapshot${nearest}`, {
        hint: 'Paths are relative to what was backed up. Restore with --to DIR to look at all of it.',
      })
    },
  }
}

function normalize(path: string): string {
  return path.replace(/^(\.?\/)+/, '').replace(/\/+$/, '') || '.'
}

function remember(pick: { path: string; nearest: string; distance: number }, path: string): void {
  const away = path === '.' ? Number.POSITIVE_INFINITY : distance(pick.path, path)
  if (away >= pick.distance) return
  pick.nearest = path
  pick.distance = away
}
