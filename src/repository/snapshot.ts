import type { KnownDamage } from './known-damage.ts'

/** What a snapshot says of one artifact. */
export interface ArtifactRecord {
  kind: 'stream' | 'tree'
  name: string
  /** Path in the container of a tree. */
  origin?: string
  /** Plain bytes: those of a stream; for a tree as many as the repository counts while it takes it in. */
  bytes: number
  /** SHA-256 of the plain bytes of a stream, lower-case hex. */
  sha256?: string
  /** True for a tree that is a single file. */
  isFile?: boolean
  /** Glob patterns of a tree that were left out; a restore leaves alone what matches them. */
  exclude?: string[]
  /**
   * Paths relative to the root. The tree holds them alone, with the folders on the way to them, and a restore replaces nothing else. One
   * that is not in the tree was not there, and a restore removes it. Absent: the tree is whole.
   */
  only?: string[]
  /** Number of entries of a tree, the root's own included. */
  entries?: number
  /** Sum of the file lengths of a tree in bytes: the room that it needs. */
  contentBytes?: number
  /** Where it lies and how it is proven. Nobody but the repository that made the record may read it. */
  stored: unknown
}

/** Facts recorded at capture, to be compared after a restore. Values are JSON scalars or flat records of them. */
export type Facts = Record<string, FactValue>
export type FactValue = string | number | boolean | null | Record<string, string | number>

/** What the run knows of a snapshot; the repository adds the artifacts. */
export interface SnapshotMeta {
  id: string
  project: string
  target: string
  /** The host that stored it, where several share a repository. Absent: an older version stored it. */
  host?: string
  method: string
  /** ISO 8601 UTC: the instant that the data belongs to. */
  time: string
  /** Id shared by the snapshots of one quiesce window. */
  set: string
  run: string
  /** Why it was taken: `schedule`, `change`, `manual`; `safety` before a restore; `import` from files of another program. */
  reason: SnapshotReason
  /**
   * The data paths of a service as they lay on disk while it was down, because its method could not capture them. `method` is `files`
   * then, whatever the target's method is. Absent: false.
   */
  raw?: true
  facts: Facts
  container: { name: string; image: string; imageId: string; user: string; idMap?: unknown }
  engine: { name: string; version: string }
  /** Version of xnai-backup. */
  creator: string
  /** Names of the containers that were stopped or paused. */
  quiesced: string[]
  /** How long each of them was down or paused, by its name. Absent in what older versions stored, and where nothing was. */
  heldSeconds?: Record<string, number>
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
  /**
   * True for one of an older version, which names no host, where this state directory has not used the repository back then. Another host
   * may rely on it: it can be read, and MUST NOT be removed.
   */
  unclaimed?: true
  /** What is known of damage to it, where `rememberingDamage` lists it. Absent: no damage is known. */
  damaged?: KnownDamage
}

export interface Damage {
  id: string
  project: string
  target: string
  /** The host that stored it, where that is known to be another one than this. */
  host?: string
  /** Relative to the repository. */
  file: string
  reason: string
}

/** Whether a host stored it, or may have: what older versions stored names none. Without a host, that alone. */
export const isOfHost = (one: { host?: string }, host: string | undefined): boolean =>
  one.host === undefined || one.host === host
