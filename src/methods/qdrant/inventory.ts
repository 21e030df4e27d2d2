import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { asBackupError, BackupError } from '../../errors.ts'
import type { TargetSpec } from '../../labels/spec.ts'
import type { StoredSnapshot } from '../method.ts'

/** Name of the artifact that says what the others are. */
export const inventoryArtifact = 'collections.json'

const collection = z.object({
  name: z.string(),
  /** Name of the artifact that holds its snapshot. */
  artifact: z.string(),
  /** Exact counts before and after the snapshot was made; they differ when it was written meanwhile. */
  points: z.object({ least: z.number(), most: z.number() }),
  status: z.string(),
  config: z.record(z.string(), z.unknown()),
  /** Payload indexes by field. */
  schema: z.record(z.string(), z.object({ data_type: z.string(), params: z.unknown().optional() })),
  /** Digest of some points, vectors included; null when they changed meanwhile. */
  sample: z.string().nullable(),
})

const inventory = z.object({
  format: z.literal(1),
  /** Version of the server. */
  server: z.string(),
  /** All collections of the server were captured, not only some that a label named. */
  complete: z.boolean(),
  collections: z.array(collection),
  aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })),
})

export type SavedCollection = z.infer<typeof collection>
export type Inventory = z.infer<typeof inventory>

export async function readInventory(snapshot: StoredSnapshot): Promise<Inventory> {
  try {
    return inventory.parse(JSON.parse(await text(await snapshot.open(inventoryArtifact))))
  } catch (cause) {
    // An interrupted reading says nothing of what is stored.
    if (cause instanceof BackupError || asBackupError(cause).code === 'INTERRUPTED') throw cause
    throw new BackupError('SNAPSHOT_DAMAGED', `${inventoryArtifact} of snapshot ${snapshot.id} is unreadable`, {
      cause,
    })
  }
}

/** What a restore puts back: of a snapshot of all, only what the label names today, since only that is in its safety snapshot. */
export function selectWanted(saved: Inventory, { options }: TargetSpec<'qdrant'>): Inventory {
  const named = options.collections
  if (!named) return saved
  const isNamed = (name: string) => named.includes(name)
  const collections = saved.collections.filter(({ name }) => isNamed(name))
  const aliases = saved.aliases.filter(({ collection_name }) => isNamed(collection_name))
  if (collections.length > 0) return { ...saved, complete: false, collections, aliases }
  const message = `the snapshot holds none of the collections ${named.join(', ')} that qdrant.collections names`
  throw new BackupError('RESTORE_REFUSED', message, {
    hint: `Nothing was touched. It holds: ${saved.collections.map(({ name }) => name).join(', ') || 'none'}.`,
  })
}

/** Collections may have any name, artifacts may not: a number and what is left of the name. */
export function artifactName(index: number, name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, 60)
  return `${index + 1}-${plain}.snapshot`
}
