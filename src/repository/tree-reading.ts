import type { TreeEntry } from '../lib/tree/entry.ts'

export interface ExtractOptions {
  signal: AbortSignal
  /** Paths relative to the root of the tree. Absent: all of it. A path that is not there is NO_SUCH_SNAPSHOT. */
  only?: string[]
  /** Is told, at the end, of the digest of what `only` names, by which `proveTree` proves it. What it is made of is the repository's choice. */
  onPart?: (digest: string) => void
  /** Is told of the plain bytes since the last call. */
  onBytes?: (count: number) => void
}

export interface ProveOptions {
  /** Compares these paths alone with the digest that `extract` told of the same ones: see `ExtractOptions`. */
  part?: { only: string[]; digest: string }
  signal: AbortSignal
  /** As for the artifact: see `TreeArtifact`. What the artifact excludes is left aside by itself. */
  skipDevices?: string[]
}

/** One entry of a stored tree. A type `link` is a further name of the file at `sharesWith`. */
export interface ListedEntry extends Pick<TreeEntry, 'path' | 'type' | 'mode' | 'uid' | 'gid' | 'size' | 'mtimeNs'> {
  /** The text of a symlink. */
  linksTo?: string
  /** Another path of the tree with which it shares its content as a hard link. That one comes first. */
  sharesWith?: string
}

/** Equal: the tree is the one that was taken in. */
export interface TreeProof {
  expected: string
  actual: string
}
