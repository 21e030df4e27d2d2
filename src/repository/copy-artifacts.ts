import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError } from '../errors.ts'
import type { Artifact, ArtifactRecord, CopyOptions, Repository, Snapshot, SnapshotMeta } from './repository.ts'

/** The two ends of a copy between repositories that do not know each other's kind. */
export interface CopyPair {
  from: Repository
  to: Pick<Repository, 'url' | 'stage' | 'list'>
  /** A folder of this process alone, with room for the largest tree. */
  scratch: string
}

/**
 * Copies snapshots artifact by artifact. A stream passes through. A tree lies in the scratch folder on the way, where it is proven, because
 * that file system may not be able to hold all of it.
 */
export async function copyByArtifacts(
  pair: CopyPair,
  snapshots: Snapshot[],
  { signal, onCopied }: CopyOptions,
): Promise<void> {
  const present = new Set((await pair.to.list(signal)).map(({ id }) => id))
  for (const snapshot of snapshots) {
    signal.throwIfAborted()
    if (present.has(snapshot.id)) continue
    const staged = await pair.to.stage(snapshot, artifactsOf(pair, snapshot, signal), { signal })
    await staged.publish(metaOf(snapshot), signal)
    onCopied?.(snapshot)
  }
}

async function* artifactsOf(pair: CopyPair, snapshot: Snapshot, signal: AbortSignal): AsyncGenerator<Artifact> {
  for (const { kind, name, ...record } of snapshot.artifacts) {
    if (kind === 'stream') {
      yield { kind, name, open: (until) => pair.from.open(snapshot, name, until) }
      continue
    }
    const folder = join(pair.scratch, 'tree')
    try {
      const root = await putTree(pair, snapshot, { kind, name, ...record }, folder, signal)
      const { origin = '/', exclude = [], only } = record
      yield { kind, name, root, origin, exclude, ...(only && { only }) }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Puts a tree to a new folder and answers where its root is. A tree that is a single file keeps its name. */
async function putTree(
  { from, to }: CopyPair,
  snapshot: Snapshot,
  { name, isFile }: ArtifactRecord,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(folder, { mode: 0o700 })
  await from.extract(snapshot, name, folder, { signal })
  const root = isFile ? join(folder, await nameOfFile(from, snapshot, name, signal)) : folder
  const { expected, actual } = await from.proveTree(snapshot, name, root, { signal })
  if (expected === actual) return root
  throw new BackupError('REPOSITORY_FAILED', `${name} of snapshot ${snapshot.id} cannot be carried to ${to.url}`, {
    hint: 'Does the file system of the archive hold owners, extended attributes and ACLs? A tree lies there on its way.',
  })
}

async function nameOfFile(from: Repository, snapshot: Snapshot, name: string, signal: AbortSignal): Promise<string> {
  for await (const { path } of from.listTree(snapshot, name, signal)) return path
  throw new BackupError('SNAPSHOT_DAMAGED', `${from.url}: ${name} of snapshot ${snapshot.id} has no entry`)
}

/** What the run knew of a snapshot, without what a repository adds. */
function metaOf(snapshot: Snapshot): SnapshotMeta {
  const {
    bytes: _bytes,
    storedBytes: _stored,
    files: _files,
    artifacts: _artifacts,
    damaged: _damaged,
    ...meta
  } = snapshot
  return meta
}
