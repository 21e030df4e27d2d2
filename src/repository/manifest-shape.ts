import { explainGlob } from '../lib/glob.ts'
import { z } from '../lib/zod.ts'
import type { ArtifactRecord, Snapshot, SnapshotMeta } from './repository.ts'

/** Parts of the manifests of all kinds of repository. */

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
export const byteCount = z.int().min(0)
export const artifactName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/)
const scalar = z.union([z.string(), z.number()])

/** What every manifest says beside its artifacts. */
export const snapshotMeta = z.object({
  id: z.string().min(1),
  project: z.string(),
  target: z.string(),
  host: z.string().optional(),
  method: z.string(),
  time: z.iso.datetime(),
  set: z.string(),
  run: z.string(),
  reason: z.enum(['schedule', 'change', 'manual', 'safety', 'import']),
  raw: z.literal(true).optional(),
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
  heldSeconds: z.record(z.string(), z.number()).optional(),
  warnings: z.array(z.string()),
})

/** A pattern that is no plain glob would exclude nothing, so that a restore removed files that it is to leave alone. */
const plainGlob = z.string().refine((text) => explainGlob(text) === undefined, {
  error: ({ input }) => `the pattern ${String(input)} ${explainGlob(String(input))}`,
})

/** A tree without what the repository stores of it. */
export const treeFields = {
  kind: z.literal('tree'),
  name: artifactName,
  origin: z.string(),
  exclude: z.array(plainGlob),
  isFile: z.boolean().optional(),
  only: z.array(z.string()).optional(),
  bytes: byteCount,
  entries: z.int().min(1),
  contentBytes: byteCount,
}

/** The snapshot of a manifest. `stored.bytes` is the room that an artifact takes in the repository. */
export function toSnapshot<A extends ArtifactRecord & { stored: { bytes: number } }>(
  meta: SnapshotMeta,
  artifacts: A[],
): Snapshot {
  const sum = (value: (record: A) => number) => artifacts.reduce((total, record) => total + value(record), 0)
  return {
    ...meta,
    bytes: sum((record) => record.bytes),
    storedBytes: sum(({ stored }) => stored.bytes),
    files: sum(({ entries }) => entries ?? 1),
    artifacts,
  }
}
