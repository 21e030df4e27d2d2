import { join } from 'node:path'
import { BackupError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { freeBytes } from '../lib/free-space.ts'
import { inRepository } from './archive/explain.ts'
import { makeIdentity, readIdentity } from './archive/identity.ts'
import { findFolders, folderOf, isSnapshotFolder } from './archive/layout.ts'
import { listSnapshots } from './archive/list.ts'
import { type OwnArchive, removeFolder, requireDirectory, sweepIncoming } from './archive/staging.ts'
import { holdByFolder } from './hold.ts'
import { type ManifestCache, noManifestCache } from './manifest-cache.ts'
import type { ArtifactRecord, Repository, Snapshot } from './repository.ts'

/** The folder of the locks of control planes. */
const LOCKS = '.locks'

/** What reads and writes the content of snapshots. Listings need none of it: see `Repository.load`. */
const work = () => import('./archive/work.ts')

export interface ArchiveOptions {
  /** The level of zstd, 1 to 19. Default 3. */
  compressionLevel?: number
  /** Trees below this size are not prepared: a copy would not be done earlier than the packing. In bytes. Default 32 MiB. */
  prepareBytes?: number
  /** Makes `list` fast. Default: every listing reads every manifest. */
  manifests?: ManifestCache
  /** Whether nothing can be deleted there. Default: false. */
  appendOnly?: boolean
  /** The name of this host, where several share the archive. Default: it is the only one. */
  host?: string
  /** Default: the clock of the system. */
  clock?: Pick<Clock, 'now'>
}

/**
 * A repository that is a plain directory: `<project>/<target>/<id>/` holds a manifest, SHA256SUMS and one zstd file an artifact, trees
 * as tar. `repository.json` at its root holds its id. Everything in it can be read with tar, zstd and sha256sum. The directory itself
 * must exist.
 */
export function openArchive(dir: string, options: ArchiveOptions = {}): Repository {
  const { manifests = noManifestCache, clock = systemClock } = options
  const own = { dir, ...(options.host !== undefined && { host: options.host }) }
  const shelf = { ...own, level: options.compressionLevel ?? 3 }
  const leastBytes = options.prepareBytes ?? 32 * 1024 * 1024
  const folder = (snapshot: Snapshot) => folderOf(dir, snapshot, snapshot.id)
  const archive: Repository = {
    url: `archive:${dir}`,
    ...(options.appendOnly && { appendOnly: true }),
    copySource: { kind: 'archive', ...own },
    load: async () => void (await work()),
    identity: (signal) => inRepository(dir, () => readIdentity(dir, signal)),
    hold: (plane) =>
      inRepository(dir, async () => {
        await requireDirectory(dir)
        return await holdByFolder(`archive:${dir}`, join(dir, LOCKS), plane)
      }),
    initialise: (signal) => inRepository(dir, () => makeIdentity(dir, clock.now(), signal)),
    prepare: (target, trees, how) =>
      inRepository(dir, async () => (await work()).prepareTrees(own, target, trees, { leastBytes, ...how })),
    stage: async (target, artifacts, how) => (await work()).stage(shelf, target, artifacts, how),
    list: (signal, onDamage) => inRepository(dir, () => listSnapshots(dir, { manifests, clock, onDamage }, signal)),
    open: async (snapshot, name, signal) =>
      (await work()).openArtifact(folder(snapshot).absolute, artifactOf(snapshot, name), { signal }),
    listTree: async function* (snapshot, name, signal) {
      yield* (await work()).listArtifact(folder(snapshot).absolute, artifactOf(snapshot, name), signal)
    },
    extract: async (snapshot, name, to, how) =>
      (await work()).extractArtifact(folder(snapshot).absolute, artifactOf(snapshot, name), to, how),
    proveTree: async (snapshot, name, root, how) => (await work()).proveArtifact(artifactOf(snapshot, name), root, how),
    verify: async (snapshot, signal) => (await work()).checkFolder(folder(snapshot), { readData: true, signal }),
    check: async function* (how) {
      await requireDirectory(dir)
      yield* (await work()).checkAll(dir, how)
    },
    copyFrom: async (other, snapshots, how) => (await work()).copyIntoArchive(own, archive, other, snapshots, how),
    tamper: () => inRepository(dir, async () => (await work()).tamperWithArchive(dir)),
    remove: (ids, signal) => inRepository(dir, () => removeSnapshots(own, ids, signal)),
    sweep: () => inRepository(dir, () => sweepIncoming(own)),
    freeBytes: () => inRepository(dir, () => freeBytes(dir)),
  }
  return archive
}

async function removeSnapshots(own: OwnArchive, ids: string[], signal: AbortSignal): Promise<void> {
  const { dir } = own
  await requireDirectory(dir)
  const failures: unknown[] = []
  for (const folder of await findFolders(dir)) {
    signal.throwIfAborted()
    if (!ids.includes(folder.id) || !(await isSnapshotFolder(folder))) continue
    await removeFolder(own, folder.absolute).catch((error) => failures.push(error))
  }
  // One that cannot be removed keeps no other one from going.
  if (failures.length > 0) throw failures[0]
}

function artifactOf(snapshot: Snapshot, name: string): ArtifactRecord {
  const record = snapshot.artifacts.find((artifact) => artifact.name === name)
  if (record) return record
  throw new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${snapshot.id} has no artifact ${name}`)
}
