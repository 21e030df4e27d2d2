import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupError } from '../../errors.ts'
import { z } from '../../lib/zod.ts'
import { artifactName, byteCount, sha256, snapshotMeta, toSnapshot, treeFields } from '../manifest-shape.ts'
import type { ArtifactRecord, Snapshot, SnapshotMeta } from '../repository.ts'
import { MANIFEST, SUMS } from './layout.ts'

/** It MUST be raised when a reader of the version before would misread a manifest. Added fields do not raise it. */
const FORMAT = 2
/** The format of a snapshot with a tree that holds some paths alone. Who takes it for a whole one removes all others in a restore. */
const PARTIAL_FORMAT = 3

const stored = z.object({ file: artifactName, bytes: byteCount, sha256 })
const stream = z.object({ kind: z.literal('stream'), name: artifactName, bytes: byteCount, sha256, stored })
const tree = z.object({ ...treeFields, stored: stored.extend({ identity: sha256 }) })

/** Where an artifact lies in the folder of its snapshot. */
export interface StoredFile {
  /** Name of the compressed file. */
  file: string
  /** Length of the compressed file. */
  bytes: number
  /** SHA-256 of the compressed file, lower-case hex. */
  sha256: string
  /** Canonical digest of a tree: see `identityHash`. */
  identity?: string
}

export interface StoredArtifact extends ArtifactRecord {
  stored: StoredFile
}

/** An artifact of a snapshot that this repository has listed. */
export const asStored = (record: ArtifactRecord): StoredArtifact => record as StoredArtifact

const manifest = snapshotMeta.extend({ artifacts: z.array(z.discriminatedUnion('kind', [stream, tree])) })

export function formatManifest(meta: SnapshotMeta, artifacts: StoredArtifact[]): string {
  const format = artifacts.some(({ only }) => only) ? PARTIAL_FORMAT : FORMAT
  return `${JSON.stringify({ format, ...meta, artifacts }, undefined, 2)}\n`
}

/** The text is what `sha256sum` writes, so that `sha256sum -c SHA256SUMS` proves a snapshot by hand. */
export function formatSums(manifestText: string | Buffer, artifacts: StoredArtifact[]): string {
  const lines = [[createHash('sha256').update(manifestText).digest('hex'), MANIFEST]]
  for (const { stored } of artifacts) lines.push([stored.sha256, stored.file])
  return lines.map(([sha256, file]) => `${sha256}  ${file}\n`).join('')
}

/**
 * The snapshot that the manifest of a folder describes. Throws SNAPSHOT_DAMAGED where manifest and sums do not prove each other: see
 * `damage`.
 */
export async function readManifest(folder: string): Promise<Snapshot> {
  const text = await readPart(folder, MANIFEST)
  const sums = (await readPart(folder, SUMS)).toString()
  if (!sums.startsWith(formatSums(text, []))) throw damage(MANIFEST, `does not match its line in ${SUMS}`)
  const { artifacts, ...meta } = parseManifest(text.toString())
  if (sums !== formatSums(text, artifacts)) throw damage(SUMS, `does not match ${MANIFEST}`)
  return toSnapshot(meta, artifacts)
}

async function readPart(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw damage(file, code === 'ENOENT' ? 'is missing' : `cannot be read: ${message}`)
  }
}

function parseManifest(text: string): SnapshotMeta & { artifacts: StoredArtifact[] } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw damage(MANIFEST, 'is no JSON')
  }
  const format = (json as { format?: unknown } | null)?.format
  if (format !== FORMAT && format !== PARTIAL_FORMAT) {
    const known = `${FORMAT} and ${PARTIAL_FORMAT}`
    throw damage(MANIFEST, `has format ${String(format)}; this version of xnai-backup reads ${known}`)
  }
  const parsed = manifest.safeParse(json)
  if (parsed.success) return parsed.data as SnapshotMeta & { artifacts: StoredArtifact[] }
  const [issue] = parsed.error.issues
  throw damage(MANIFEST, `${issue?.path.join('.')}: ${issue?.message}`)
}

/** The `cause` of the error says which file of the snapshot is damaged, and how. */
function damage(file: string, reason: string): BackupError {
  return new BackupError('SNAPSHOT_DAMAGED', `${file} ${reason}`, { cause: { file, reason } })
}
