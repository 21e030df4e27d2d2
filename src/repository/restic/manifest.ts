import { z } from '../../lib/zod.ts'
import { artifactName, byteCount, sha256, snapshotMeta, toSnapshot, treeFields } from '../manifest-shape.ts'
import type { ArtifactRecord, Snapshot, SnapshotMeta } from '../repository.ts'

/** It MUST be raised when a reader of the version before would misread a manifest. Added fields do not raise it. */
const FORMAT = 1

/** The name of the manifest in its snapshot of restic. */
export const MANIFEST = 'manifest.json'

const stream = z.object({
  kind: z.literal('stream'),
  name: artifactName,
  bytes: byteCount,
  sha256,
  stored: z.object({ snapshot: sha256.nullable(), bytes: byteCount }),
})
const tree = z.object({
  ...treeFields,
  stored: z.object({ snapshot: sha256, bytes: byteCount, identity: sha256, fileName: z.string().optional() }),
})
const manifest = snapshotMeta.extend({ artifacts: z.array(z.discriminatedUnion('kind', [stream, tree])) })

/** Where restic holds an artifact. */
export interface StoredArtifact extends ArtifactRecord {
  stored: {
    /** The id of its snapshot of restic. Null: a stream without a byte, which restic does not take. */
    snapshot: string | null
    /** What it added to the repository, compressed. */
    bytes: number
    /** Digest of the entries of a tree, without their content: SHA-256 of what lies beside it. */
    identity?: string
    /** The name of a tree that is a single file. */
    fileName?: string
  }
}

/** An artifact of a snapshot that this repository has listed. */
export const asStored = (record: ArtifactRecord): StoredArtifact => record as StoredArtifact

export const formatManifest = (meta: SnapshotMeta, artifacts: StoredArtifact[]): string =>
  `${JSON.stringify({ format: FORMAT, ...meta, artifacts }, undefined, 2)}\n`

/** The snapshot that a manifest describes, or the reason why it is none. */
export function parseManifest(text: string): Snapshot | string {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return 'is no JSON'
  }
  const format = (json as { format?: unknown } | null)?.format
  if (format !== FORMAT) return `has format ${String(format)}; this version of xnai-backup reads ${FORMAT}`
  const parsed = manifest.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return `${issue?.path.join('.')}: ${issue?.message}`
  }
  const { artifacts, ...meta } = parsed.data as SnapshotMeta & { artifacts: StoredArtifact[] }
  return toSnapshot(meta, artifacts)
}
