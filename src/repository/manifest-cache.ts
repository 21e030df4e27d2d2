import type { Snapshot } from './repository.ts'

/**
 * Snapshots whose manifests were read and validated, so that a listing need not read them again. The repository stays the truth: an
 * entry counts only while the files that it was read from are the same. Losing the cache costs time and nothing else.
 */
export interface ManifestCache {
  /** All entries of the repository with this url, by folder. */
  read(url: string): ReadonlyMap<string, CachedManifest>
  /** Adds or replaces entries and drops those of the folders in `gone`, all in one step. */
  update(url: string, change: { entries: CachedManifest[]; gone: string[] }): void
}

export interface CachedManifest {
  /** Relative to the repository. */
  folder: string
  /** Equal as long as the files are the ones that were read. */
  identity: string
  snapshot: Snapshot
}

/** Remembers nothing. */
export const noManifestCache: ManifestCache = { read: () => new Map(), update: () => {} }
