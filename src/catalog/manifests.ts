import type { CachedManifest, ManifestCache } from '../repository/manifest-cache.ts'
import type { Snapshot } from '../repository/repository.ts'
import type { Database, Row } from './database.ts'

export function makeManifestCache({ all, change, atomically }: Database): ManifestCache {
  return {
    read: (url) =>
      new Map(
        all('SELECT folder, identity, snapshot FROM manifests WHERE repository = ?', url)
          .map(toEntry)
          .map((entry) => [entry.folder, entry]),
      ),
    update(url, { entries, gone }) {
      if (entries.length + gone.length === 0) return
      atomically(() => {
        for (const folder of gone) change('DELETE FROM manifests WHERE repository = ? AND folder = ?', url, folder)
        for (const { folder, identity, snapshot } of entries)
          change(
            'INSERT OR REPLACE INTO manifests (repository, folder, identity, snapshot) VALUES (?, ?, ?, ?)',
            ...[url, folder, identity, JSON.stringify(snapshot)],
          )
      })
    },
  }
}

function toEntry({ folder, identity, snapshot }: Row): CachedManifest {
  return {
    folder: String(folder),
    identity: String(identity),
    snapshot: JSON.parse(String(snapshot)) as Snapshot,
  }
}
