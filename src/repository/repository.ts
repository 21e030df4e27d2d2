import type { Readable } from 'node:stream'
import type { Digest } from '../lib/hash.ts'

/** Where a copy of a snapshot lies: the repository of that name in the configuration. */
export type Tier = 'local' | 'remote'

/** One copy of one snapshot. */
export interface SnapshotRef {
  tier: Tier
  id: string
}

/** Holds snapshots. All-or-nothing: whatever happens, a snapshot that is listed is whole. */
export interface Repository {
  /** As configured, without secrets: `archive:/backups`. */
  readonly url: string
  /**
   * Reads trees while they are still being written, so that `stage` need only take what has changed since. Where that does not help,
   * or cannot be done, it does nothing and may say why. Absent: it would never help.
   */
  readAhead?(trees: TreeSource[], options: AheadOptions): Promise<Ahead>
  /**
   * Takes the bytes of a snapshot in: all artifacts, one after another, each read to its end before the next is asked for. When it
   * returns, the sources are no longer needed; nothing is listed before `publish`. An error leaves nothing behind.
   */
  stage(target: TargetId, artifacts: AsyncIterable<Artifact>, options: StageOptions): Promise<Staged>
  /** Oldest first, of all targets. A folder that cannot be a snapshot is no snapshot here: `check` names it. */
  list(signal: AbortSignal): Promise<Snapshot[]>
  /** The plain bytes of a stream artifact, checked against the manifest: a difference is an error before the end. */
  open(snapshot: Snapshot, artifact: string, signal: AbortSignal): Promise<Readable>
  /**
   * Puts a tree artifact to the directory `to`, as it was, over what lies there and beside what else lies there. A tree of a single
   * file rewrites the file `to` in place. `only`: paths relative to the root of the tree.
   */
  extract(snapshot: Snapshot, artifact: string, to: string, options: ExtractOptions): Promise<void>
  /** Reads back every stored byte of one snapshot. Empty: it is whole. */
  verify(snapshot: Snapshot, signal: AbortSignal): Promise<Damage[]>
  /** All snapshots; without `readData` lengths and manifests only. */
  check(options: { readData: boolean; signal: AbortSignal }): AsyncIterable<Damage>
  /** A missing id is a success. */
  remove(ids: string[], signal: AbortSignal): Promise<void>
  /** Removes what dead runs left behind. Runs of live processes are left alone. */
  sweep(signal: AbortSignal): Promise<void>
  /** Free bytes for new snapshots; undefined where the repository cannot tell. */
  freeBytes(): Promise<number | undefined>
}

export interface TargetId {
  project: string
  target: string
}

/** One thing that a capture hands over. Names are `[a-z0-9._-]`, unique within the snapshot. */
export type Artifact = StreamArtifact | TreeArtifact

/** A tree, without its name. */
export type TreeSource = Pick<TreeArtifact, 'root' | 'exclude'>

/** What was read of trees before their writers are held. Only the repository that made it can use it. */
export interface Ahead extends AsyncDisposable {
  /** Takes what has changed; the writers are held. Answers where all of it lies now; undefined where the tree was not read ahead. */
  catchUp(root: string): Promise<string | undefined>
}

export interface AheadOptions {
  signal: AbortSignal
  onWarning: (text: string) => void
}

export interface StreamArtifact {
  kind: 'stream'
  name: string
  /** A clean end means that the source succeeded; anything else is an error of the stream. */
  open(signal: AbortSignal): Promise<Readable>
}

export interface TreeArtifact {
  kind: 'tree'
  name: string
  /** A directory, or a single file, that this process can read. */
  root: string
  /** What `root` stands for in the container; kept in the manifest. */
  origin: string
  /** Glob patterns relative to the root. */
  exclude: string[]
}

export interface StageOptions {
  signal: AbortSignal
  ahead?: Ahead
  /** Plain bytes since the last call. */
  onBytes?: (count: number) => void
  /** A thing that cannot be kept, by name (a socket, a nested mount): it becomes a warning of the snapshot. */
  onWarning?: (text: string) => void
}

export interface ExtractOptions {
  signal: AbortSignal
  only?: string[]
  onBytes?: (count: number) => void
}

/** Bytes taken in, not yet listed. Exactly one of publish and discard is called, once. */
export interface Staged {
  /** `plain` is not known yet of a tree that was read ahead: it is packed when it is published. */
  artifacts: Pick<Partial<ArtifactRecord>, 'kind' | 'name' | 'plain'>[]
  publish(meta: SnapshotMeta, signal: AbortSignal): Promise<Snapshot>
  discard(): Promise<void>
}

export interface ArtifactRecord {
  kind: 'stream' | 'tree'
  name: string
  /** Path in the container of a tree. */
  origin?: string
  /** Before compression. For a tree: of the tar stream. */
  plain: Digest
  stored: Digest & { file: string }
  /** The tree is a single file. */
  isFile?: boolean
  /** Patterns of a tree that were left out; a restore leaves alone what matches them. */
  exclude?: string[]
  /** Entries of a tree, the root's own included. */
  entries?: number
  /** Sum of the file lengths of a tree: the room it needs. */
  contentBytes?: number
}

/** Facts recorded at capture, to be compared after a restore. Values are JSON scalars or flat records of them. */
export type Facts = Record<string, FactValue>
export type FactValue = string | number | boolean | null | Record<string, string | number>

/** What the run knows of a snapshot; the repository adds the artifacts. */
export interface SnapshotMeta {
  id: string
  project: string
  target: string
  method: string
  /** ISO 8601 UTC: the instant that the data belongs to. */
  time: string
  /** Id shared by the snapshots of one quiesce window. */
  set: string
  run: string
  /** Why it was taken: `schedule`, `change`, `manual`; `safety` before a restore; `import` from files of another program. */
  reason: SnapshotReason
  facts: Facts
  container: { name: string; image: string; imageId: string; user: string; idMap?: unknown }
  engine: { name: string; version: string }
  /** Version of xnai-backup. */
  creator: string
  /** Names of the containers that were stopped or paused. */
  quiesced: string[]
  warnings: string[]
}

export type SnapshotReason = 'schedule' | 'change' | 'manual' | 'safety' | 'import'

export interface Snapshot extends SnapshotMeta {
  /** Plain bytes of all artifacts. */
  bytes: number
  storedBytes: number
  /** Entries of trees plus one per stream. */
  files: number
  artifacts: ArtifactRecord[]
}

export interface Damage {
  id: string
  target: string
  /** Relative to the repository. */
  file: string
  reason: string
}
