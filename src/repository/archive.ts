import { open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { asBackupError, BackupError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { copyAhead } from './archive/ahead.ts'
import { extractArtifact, openArtifact, storeArtifact } from './archive/artifacts.ts'
import { checkAll, checkFolder } from './archive/check.ts'
import { findFolders, folderOf, MANIFEST, SUMS } from './archive/layout.ts'
import { listSnapshots } from './archive/list.ts'
import { formatManifest, formatSums, toSnapshot } from './archive/manifest.ts'
import { openStaging, removeFolder, requireDirectory, type Staging, sweepIncoming } from './archive/staging.ts'
import { type ManifestCache, noManifestCache } from './manifest-cache.ts'
import type {
  Artifact,
  ArtifactRecord,
  Repository,
  Snapshot,
  SnapshotMeta,
  Staged,
  StageOptions,
  TargetId,
  TreeArtifact,
} from './repository.ts'

export interface ArchiveOptions {
  /** zstd's, 1 to 19. Default 3. */
  compressionLevel?: number
  /** Trees below this size are packed while their writers are held: a copy would not be done earlier. Default 32 MiB. */
  aheadBytes?: number
  /** Makes `list` fast. Default: every listing reads every manifest. */
  manifests?: ManifestCache
  /** Default: the system's. */
  clock?: Pick<Clock, 'now'>
}

/**
 * A repository that is a plain directory: `<project>/<target>/<id>/` holds manifest, SHA256SUMS and one zstd file an artifact, trees
 * as tar. Everything in it can be read with tar, zstd and sha256sum. The directory itself must exist.
 */
export function openArchive(dir: string, options: ArchiveOptions = {}): Repository {
  const { manifests = noManifestCache, clock = systemClock } = options
  const level = options.compressionLevel ?? 3
  const leastBytes = options.aheadBytes ?? 32 * 1024 * 1024
  return {
    url: `archive:${dir}`,
    readAhead: (trees, aheadOptions) => inRepository(dir, () => copyAhead(dir, trees, { leastBytes, ...aheadOptions })),
    stage: (target, artifacts, stageOptions) => stage(dir, level, target, artifacts, stageOptions),
    list: (signal) => inRepository(dir, () => listSnapshots(dir, { manifests, clock }, signal)),
    open: async (snapshot, artifact, signal) =>
      openArtifact(folderOf(dir, snapshot, snapshot.id).absolute, artifactOf(snapshot, artifact), signal),
    extract: (snapshot, artifact, to, extractOptions) =>
      extractArtifact(
        folderOf(dir, snapshot, snapshot.id).absolute,
        artifactOf(snapshot, artifact),
        to,
        extractOptions,
      ),
    verify: (snapshot, signal) => checkFolder(folderOf(dir, snapshot, snapshot.id), { readData: true, signal }),
    check: async function* (checkOptions) {
      await requireDirectory(dir)
      yield* checkAll(dir, checkOptions)
    },
    remove: (ids, signal) => inRepository(dir, () => removeSnapshots(dir, ids, signal)),
    sweep: () => inRepository(dir, () => sweepIncoming(dir)),
    freeBytes: () => inRepository(dir, () => freeBytes(dir)),
  }
}

async function stage(
  dir: string,
  level: number,
  target: TargetId,
  artifacts: AsyncIterable<Artifact>,
  options: StageOptions,
): Promise<Staged> {
  folderOf(dir, target, '') // A name that cannot be a folder's is refused before anything is read.
  const staging = await inRepository(dir, () => openStaging(dir))
  try {
    const taken: (ArtifactRecord | TreeArtifact)[] = []
    const store = (artifact: Artifact) => storeArtifact(artifact, staging.folder, level, options)
    for await (const artifact of artifacts) {
      if (taken.some(({ name }) => name === artifact.name)) {
        throw new BackupError('INTERNAL', `two artifacts have the name ${artifact.name}`)
      }
      const copy = artifact.kind === 'tree' ? await options.ahead?.catchUp(artifact.root) : undefined
      taken.push(copy === undefined ? await store(artifact) : { ...(artifact as TreeArtifact), root: copy })
    }
    return {
      artifacts: taken,
      publish: (meta, signal) => publish(dir, staging, target, { meta, taken, store }, signal),
      discard: () => staging.discard(),
    }
  } catch (error) {
    await staging.discard()
    throw explain(dir, error)
  }
}

interface StagedParts {
  meta: SnapshotMeta
  /** Trees that were read ahead still have to be packed. */
  taken: (ArtifactRecord | TreeArtifact)[]
  store(artifact: Artifact): Promise<ArtifactRecord>
}

async function publish(
  dir: string,
  staging: Staging,
  target: TargetId,
  { meta, taken, store }: StagedParts,
  signal: AbortSignal,
): Promise<Snapshot> {
  try {
    signal.throwIfAborted()
    const artifacts: ArtifactRecord[] = []
    for (const each of taken) artifacts.push('stored' in each ? each : await store(each))
    signal.throwIfAborted()
    const manifest = formatManifest(meta, artifacts)
    await writeSynced(join(staging.folder, MANIFEST), manifest)
    await writeSynced(join(staging.folder, SUMS), formatSums(manifest, artifacts))
    await staging.publish(folderOf(dir, target, meta.id).absolute)
    return toSnapshot(meta, artifacts)
  } catch (error) {
    await staging.discard()
    throw explain(dir, error)
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}

async function removeSnapshots(dir: string, ids: string[], signal: AbortSignal): Promise<void> {
  await requireDirectory(dir)
  for (const folder of await findFolders(dir)) {
    signal.throwIfAborted()
    if (ids.includes(folder.id)) await removeFolder(dir, folder.absolute)
  }
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

function artifactOf(snapshot: Snapshot, name: string): ArtifactRecord {
  const record = snapshot.artifacts.find((artifact) => artifact.name === name)
  if (record) return record
  throw new BackupError('NO_SUCH_SNAPSHOT', `snapshot ${snapshot.id} has no artifact ${name}`)
}

async function inRepository<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explain(dir, error)
  }
}

/** A system's own error, with the repository in front. */
function explain(dir: string, error: unknown): BackupError {
  const explained = asBackupError(error, 'REPOSITORY_FAILED')
  if (error === explained || explained.code === 'INTERRUPTED') return explained
  return new BackupError(explained.code, `archive:${dir}: ${explained.message}`, { cause: error })
}
