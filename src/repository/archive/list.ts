import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { version } from '../../version.ts'
import { byAge } from '../by-age.ts'
import type { CachedManifest, ManifestCache } from '../manifest-cache.ts'
import type { Damage, Snapshot } from '../repository.ts'
import { findFolders, isSnapshotFolder, MANIFEST, type SnapshotFolder, SUMS } from './layout.ts'
import { requireDirectory } from './staging.ts'

export interface ListOptions {
  manifests: ManifestCache
  clock: Pick<Clock, 'now'>
  /** Is told of each folder of a snapshot that cannot be listed. */
  onDamage?: ((damage: Damage) => void) | undefined
}

/** Folders that are read together, because most of the time goes into waiting for the file system. */
const batchSize = 64

/** The snapshots, oldest first. A manifest is read and validated only where the cache does not know its files. */
export async function listSnapshots(
  dir: string,
  { manifests, clock, onDamage }: ListOptions,
  signal: AbortSignal,
): Promise<Snapshot[]> {
  await requireDirectory(dir)
  const url = `archive:${dir}`
  const known = manifests.read(url)
  const folders = await findFolders(dir)
  const found: Found[] = []
  for (let start = 0; start < folders.length; start += batchSize) {
    signal.throwIfAborted()
    const batch = folders.slice(start, start + batchSize)
    found.push(...(await Promise.all(batch.map((folder) => findSnapshot(folder, known.get(folder.relative), clock)))))
  }
  const kept = new Set(found.flatMap(({ entry }) => entry ?? []))
  manifests.update(url, {
    entries: [...kept].filter((entry) => entry !== known.get(entry.folder)),
    gone: [...known.values()].filter((entry) => !kept.has(entry)).map(({ folder }) => folder),
  })
  for (const { damage } of found) if (damage) onDamage?.(damage)
  const snapshots = found.flatMap(({ snapshot }) => snapshot ?? [])
  return snapshots.sort(byAge)
}

/** What a folder holds, and what the cache is to know of it. All is absent where the folder belongs to somebody else. */
interface Found {
  snapshot?: Snapshot
  entry?: CachedManifest
  damage?: Damage
}

async function findSnapshot(
  folder: SnapshotFolder,
  known: CachedManifest | undefined,
  clock: Pick<Clock, 'now'>,
): Promise<Found> {
  const files = await identifyFiles(folder, clock)
  if (known && known.identity === files?.identity) return { snapshot: known.snapshot, entry: known }
  const { readSnapshot } = await import('./read-snapshot.ts')
  const { snapshot, damage } = await readSnapshot(folder)
  if (!snapshot) return (await isSnapshotFolder(folder)) && existsSync(folder.absolute) ? { damage } : {}
  if (!files?.isSettled) return { snapshot }
  return { snapshot, entry: { folder: folder.relative, identity: files.identity, snapshot } }
}

/** Longer than the steps in which the clock of any file system moves. */
const settleMs = 2000

/**
 * The identity of manifest and sums, which prove each other. Files that have just changed are not settled: another change within
 * the same step of the file system's clock would leave the identity as it is. The version of the program belongs to the identity,
 * because another version may read something else from the same files.
 */
async function identifyFiles({ absolute }: SnapshotFolder, clock: Pick<Clock, 'now'>) {
  try {
    const files = await Promise.all([MANIFEST, SUMS].map((name) => stat(join(absolute, name), { bigint: true })))
    const states = files.map(({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(':'))
    const isSettled = files.every(({ ctimeMs }) => Number(ctimeMs) < clock.now().getTime() - settleMs)
    return { identity: [version, ...states].join(' '), isSettled }
  } catch {
    // The snapshot is read then, which says what is wrong with its files.
    return undefined
  }
}
