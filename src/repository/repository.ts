import type { Readable } from 'node:stream'
import type { CopyOptions, CopySource, Tampering } from './copying.ts'
import type { ArtifactRecord, Damage, Snapshot, SnapshotMeta } from './snapshot.ts'
import type { ExtractOptions, ListedEntry, ProveOptions, TreeProof } from './tree-reading.ts'

export type { CopyOptions, CopySource, Tampering } from './copying.ts'
export type {
  ArtifactRecord,
  Damage,
  Facts,
  FactValue,
  Snapshot,
  SnapshotMeta,
  SnapshotReason,
} from './snapshot.ts'
export type { ExtractOptions, ListedEntry, ProveOptions, TreeProof } from './tree-reading.ts'

/** Where a copy of a snapshot lies: the repository of that name in the configuration. */
export type Tier = 'local' | 'remote'

/** One copy of one snapshot. */
export interface SnapshotRef {
  tier: Tier
  id: string
}

/**
 * Holds snapshots. A snapshot that is listed is whole, whatever happens and whoever dies: it exists from the end of `publish` to the
 * beginning of `remove`. Several processes MUST be able to use a repository at once. Every function that takes a signal MUST end soon
 * after it is aborted, with INTERRUPTED, and leave nothing half done behind. Errors are BackupErrors that name the repository;
 * REPOSITORY_UNREACHABLE says that it is not there at all.
 */
export interface Repository {
  /** Its address as configured, without secrets: `archive:/backups`. */
  readonly url: string
  /** Whether nothing can be deleted there, by its configuration. Absent: false. */
  readonly appendOnly?: true
  /** What another repository needs in order to copy from this one. Absent: only its artifacts can be read. */
  readonly copySource?: CopySource
  /**
   * Loads the code behind all other functions, so that none of them has to while services are down. Absent where nothing is loaded on
   * demand.
   */
  load?(): Promise<void>
  /**
   * The id that tells this repository from any other one, whatever its address is. It never changes. Undefined where there is none yet:
   * nothing is there, or what an older version stored. It MUST change nothing.
   */
  identity(signal: AbortSignal): Promise<string | undefined>
  /** Gives the repository an id, durably, where it has none, and answers its id. Processes that do so at once MUST get the same one. */
  initialise(signal: AbortSignal): Promise<string>
  /**
   * What opens the repository without this program; undefined where there is no repository yet. Absent where none is needed. It is a
   * secret: only who asks for it in so many words may see it.
   */
  key?(signal: AbortSignal): Promise<RepositoryKey | undefined>
  /**
   * Takes the repository for a control plane until the result is disposed or the process dies, however it dies. The processes of one
   * control plane share it, and so do control planes of different projects and of different hosts. BUSY while another one of this host
   * holds it that looks after the same project: the two know nothing of each other's locks and intents. Whoever only reads holds nothing,
   * and is never kept from reading. Absent where the kind has no place for such a lock.
   */
  hold?(plane: ControlPlane, signal: AbortSignal): Promise<Disposable>
  /**
   * The optional hot pass: reads trees while they are still written, so that `stage` needs to take only what has changed since. A
   * repository without it gains nothing from reading early. The trees MUST be those that the capture of the target will give to
   * `stage`; one that differs is taken as if it had not been prepared. It must not fail because a tree changes meanwhile. Where it does
   * not help, it does nothing, and may say why. The caller MUST dispose the result, after `publish`.
   */
  prepare?(target: TargetId, trees: TreeArtifact[], options: PrepareOptions): Promise<Prepared>
  /**
   * Takes the bytes of a snapshot in: all artifacts, one after another. It MUST read each to its end before it asks for the next. When
   * it returns, the sources are no longer needed. It must not list anything before `publish`. An error MUST leave nothing behind. A
   * tree that changes while it is read is NOT_STILL.
   */
  stage(target: TargetId, artifacts: AsyncIterable<Artifact>, options: StageOptions): Promise<Staged>
  /**
   * All snapshots of all targets, oldest first. One whose description cannot be read is not listed: `onDamage` is told why. A snapshot that
   * is neither listed nor told of is gone.
   */
  list(signal: AbortSignal, onDamage?: (damage: Damage) => void): Promise<Snapshot[]>
  /** The snapshots of every host that shares the repository. Absent: `list` is not limited to one host. See `forHost`. */
  listAll?(signal: AbortSignal): Promise<Snapshot[]>
  /**
   * The plain bytes of a stream artifact. They MUST be compared with what was taken in while they are read: the stream must not end
   * cleanly when they differ, but with SNAPSHOT_DAMAGED. NO_SUCH_SNAPSHOT where there is no such artifact.
   */
  open(snapshot: Snapshot, artifact: string, signal: AbortSignal): Promise<Readable>
  /**
   * The entries of a tree artifact. Its root is `.` and comes first; a tree that is a single file has the name of the file. Each folder
   * comes right before what it holds, and names MUST be in the order of JavaScript's strings: two trees are compared side by side.
   */
  listTree(snapshot: Snapshot, artifact: string, signal: AbortSignal): AsyncIterable<ListedEntry>
  /**
   * Puts a tree artifact to the directory `to`, as it was, beside what else lies there. A tree that is a single file rewrites the file
   * `to` in place. When it returns, the tree is on disk. It MUST compare what it reads with what was taken in, and throw
   * SNAPSHOT_DAMAGED when they differ; what it has written until then is worth nothing. It must not write outside of `to`.
   */
  extract(snapshot: Snapshot, artifact: string, to: string, options: ExtractOptions): Promise<void>
  /**
   * Reads the tree at `root` and compares it with a tree artifact: name, type, mode, owner, time, link, device number, attributes and
   * content of every entry. It MUST see every difference in these. Holes and allocation must not count: file systems choose them.
   * The proof compares two digests; what they are made of is the repository's own choice.
   */
  proveTree(snapshot: Snapshot, artifact: string, root: string, options: ProveOptions): Promise<TreeProof>
  /** Reads back every stored byte of one snapshot, and MUST find any that is not what was stored. No damage: it is whole. */
  verify(snapshot: Snapshot, signal: AbortSignal): Promise<Damage[]>
  /** The damages of all snapshots. Without `readData` it compares manifests and lengths only. */
  check(options: { readData: boolean; signal: AbortSignal }): AsyncIterable<Damage>
  /**
   * Copies snapshots that `other` has listed, under their own ids, each whole or not at all. One that is here already stays as it is.
   * What a cut leaves behind is no snapshot, and makes the next copy shorter where the kind can do so. SNAPSHOT_DAMAGED where what is
   * read is not what was stored.
   */
  copyFrom(other: Repository, snapshots: Snapshot[], options: CopyOptions): Promise<void>
  /**
   * Tries to delete something that it stores for the purpose, and answers whether that was refused. Of an append-only repository nothing
   * else is acceptable.
   */
  tamper(signal: AbortSignal): Promise<Tampering>
  /** Removes snapshots by their ids. A missing id is a success. A snapshot MUST never be listed while only a part of it is there. */
  remove(ids: string[], signal: AbortSignal): Promise<void>
  /** Removes what dead runs left behind. It must not touch the work of a live process. */
  sweep(signal: AbortSignal): Promise<void>
  /** Free bytes for new snapshots; undefined where the repository cannot tell. */
  freeBytes(): Promise<number | undefined>
}

/** The key of an encrypted repository. */
export interface RepositoryKey {
  /** As the program of that kind takes it. It may hold a password. */
  address: string
  password: string
  /** Belongs to this key of this repository alone, and tells whether a copy of it is right: 8 hex digits. */
  code: string
}

/** A state directory and the processes that share it. */
export interface ControlPlane {
  /** Id of the state directory. */
  state: string
  /** The host whose containers it looks after. */
  host: string
  /** The compose project that it looks after. Undefined: every project. */
  project: string | undefined
}

export interface TargetId {
  project: string
  target: string
  /** The host that stores its snapshots: see `SnapshotMeta.host`. */
  host?: string
}

/** One thing that a capture hands over. Its name is of `[a-z0-9._-]` and MUST be unique within the snapshot. */
export type Artifact = StreamArtifact | TreeArtifact

/** What was read of the trees of a target before their writers are held. Only the repository that made it can use it. */
export interface Prepared extends AsyncDisposable {
  readonly target: TargetId
  /** Whether every tree was read: the capture has only what changed since still to read. */
  readonly isWhole: boolean
}

export interface PrepareOptions {
  signal: AbortSignal
  /** Is told why a tree was not read early, and of what cannot be kept. */
  onWarning: (text: string) => void
}

export interface StreamArtifact {
  kind: 'stream'
  name: string
  /** Opens the source. A clean end means that it succeeded; anything else MUST be an error of the stream. */
  open(signal: AbortSignal): Promise<Readable>
}

export interface TreeArtifact {
  kind: 'tree'
  name: string
  /** A directory, or a single file, that this process can read. */
  root: string
  /** The path in the container that `root` stands for; kept with the snapshot. */
  origin: string
  /** Glob patterns relative to the root. */
  exclude: string[]
  /** Paths relative to the root. A block device at one of them is no part of the tree. */
  skipDevices?: string[]
  /** Paths relative to the root, to take them alone: see `ArtifactRecord.only`. */
  only?: string[]
}

export interface StageOptions {
  signal: AbortSignal
  /** From `prepare` of this repository for this target. */
  prepared?: Prepared
  /** Is told of the plain bytes since the last call. */
  onBytes?: (count: number) => void
  /** Is told of a thing that cannot be kept, by name (a socket, a nested mount): it becomes a warning of the snapshot. */
  onWarning?: (text: string) => void
}

/** Bytes taken in, not yet listed. The caller MUST call exactly one of publish and discard, once. */
export interface Staged {
  /** `bytes` is not known yet of a tree that was prepared. */
  artifacts: Pick<Partial<ArtifactRecord>, 'kind' | 'name' | 'bytes'>[]
  /** Makes the snapshot exist, durably and at once. An error MUST leave nothing behind, as `discard` does. */
  publish(meta: SnapshotMeta, signal: AbortSignal): Promise<Snapshot>
  discard(): Promise<void>
}
