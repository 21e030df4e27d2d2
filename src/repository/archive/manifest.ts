import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BackupError } from '../../errors.ts'
import type { ArtifactRecord, Snapshot, SnapshotMeta } from '../repository.ts'
import { MANIFEST, SUMS } from './layout.ts'

/** Raised when a reader of the version before would misread a manifest. Added fields do not raise it. */
const FORMAT = 1

const digest = z.object({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/)
const scalar = z.union([z.string(), z.number()])

const artifact = z.object({
  kind: z.enum(['stream', 'tree']),
  name: fileName,
  origin: z.string().optional(),
  exclude: z.array(z.string()).optional(),
  isFile: z.boolean().optional(),
  plain: digest,
  stored: digest.extend({ file: fileName }),
  entries: z.int().min(1).optional(),
  contentBytes: z.int().min(0).optional(),
})

const manifest = z.object({
  id: z.string().min(1),
  project: z.string(),
  target: z.string(),
  method: z.string(),
  time: z.iso.datetime(),
  set: z.string(),
  run: z.string(),
  reason: z.enum(['schedule', 'change', 'manual', 'safety', 'import']),
  facts: z.record(z.string(), z.union([scalar, z.boolean(), z.null(), z.record(z.string(), scalar)])),
  container: z.object({
    name: z.string(),
    image: z.string(),
    imageId: z.string(),
    user: z.string(),
    idMap: z.unknown().optional(),
  }),
  engine: z.object({ name: z.string(), version: z.string() }),
  creator: z.string(),
  quiesced: z.array(z.string()),
  warnings: z.array(z.string()),
  artifacts: z.array(artifact),
})

export function toSnapshot(meta: SnapshotMeta, artifacts: ArtifactRecord[]): Snapshot {
  const sum = (value: (record: ArtifactRecord) => number) =>
    artifacts.reduce((total, record) => total + value(record), 0)
  return {
    ...meta,
    bytes: sum(({ plain }) => plain.bytes),
    storedBytes: sum(({ stored }) => stored.bytes),
    files: sum(({ entries }) => entries ?? 1),
    artifacts,
  }
}

export function formatManifest(meta: SnapshotMeta, artifacts: ArtifactRecord[]): string {
  return `${JSON.stringify({ format: FORMAT, ...meta, artifacts }, undefined, 2)}\n`
}

/** As `sha256sum` writes it, so that `sha256sum -c SHA256SUMS` proves a snapshot by hand. */
export function formatSums(manifestText: string | Buffer, artifacts: ArtifactRecord[]): string {
  const lines = [[createHash('sha256').update(manifestText).digest('hex'), MANIFEST]]
  for (const { stored } of artifacts) lines.push([stored.sha256, stored.file])
  return lines.map(([sha256, file]) => `${sha256}  ${file}\n`).join('')
}

/** The snapshot that a folder's manifest describes. Throws `damage` where manifest and sums do not prove each other. */
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

function parseManifest(text: string): SnapshotMeta & { artifacts: ArtifactRecord[] } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw damage(MANIFEST, 'is no JSON')
  }
  const format = (json as { format?: unknown } | null)?.format
  if (format !== FORMAT)
    throw damage(MANIFEST, `has format ${String(format)}; this version of xnai-backup reads ${FORMAT}`)
  const parsed = manifest.safeParse(json)
  if (parsed.success) return parsed.data as SnapshotMeta & { artifacts: ArtifactRecord[] }
  const [issue] = parsed.error.issues
  throw damage(MANIFEST, `${issue?.path.join('.')}: ${issue?.message}`)
}

/** `cause` says which file of the snapshot is damaged, and how. */
function damage(file: string, reason: string): BackupError {
  return new BackupError('SNAPSHOT_DAMAGED', `${file} ${reason}`, { cause: { file, reason } })
}
